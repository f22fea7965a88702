"""OpenAI's newer dialect, `/v1/responses`, without its server-side memory."""

import time
from typing import Any

import msgspec

from hansa.core.errors import HansaError
from hansa.gateway.call import Call
from hansa.gateway.desk import Desk
from hansa.gateway.door import Sendable, decode, door
from hansa.gateway.openai import error_form
from hansa.gateway.responses_requests import response_request
from hansa.gateway.router import Route
from hansa.gateway.stream import Encoding
from hansa.gateway.whole import Choice, Whole, assemble
from hansa.wire import responses as wire
from hansa.wire.requests import Chunk, Usage
from hansa.wire.sse import encode_event


def routes(desk: Desk) -> list[Route]:
    """The endpoint `/v1/responses`, for the given node."""

    async def responses(call: Call) -> Sendable:
        key = desk.caller(call)
        asked = decode(await call.body(), wire.ResponseRequest)
        request = response_request(asked, key)

        def encoding(model: str) -> Encoding:
            stream = _Stream(_Answer(request.id, model))
            return Encoding(stream.encode, stream.fail, stream.opening())

        return await desk.answer(
            key,
            request,
            encoding,
            lambda model, whole: msgspec.json.encode(_Answer(request.id, model).body(whole)),
        )

    return [Route("POST", "/v1/responses", door(responses, error_form))]


class _Answer:
    """The response object, at any moment of it."""

    def __init__(self, request_id: str, model: str) -> None:
        self._id, self._model = request_id, model
        self._created = time.time()

    def body(self, whole: Whole) -> wire.ResponseBody:
        choice = whole.choices[0]
        cut = choice.finish == "length"
        return wire.ResponseBody(
            id=f"resp_{self._id}",
            created_at=self._created,
            model=self._model,
            status="incomplete" if cut else "completed",
            output=self.items(choice),
            usage=_usage(whole.usage),
            incomplete_details=wire.Incomplete("max_output_tokens") if cut else None,
        )

    def begun(self) -> wire.ResponseBody:
        return wire.ResponseBody(
            id=f"resp_{self._id}", created_at=self._created, model=self._model,
            status="in_progress", output=[],
        )  # fmt: skip

    def failed(self, error: HansaError) -> wire.ResponseBody:
        return msgspec.structs.replace(
            self.begun(), status="failed", error=wire.ErrorBody(error.code, str(error))
        )

    def items(self, choice: Choice) -> list[Any]:
        items: list[Any] = []
        if choice.text or not choice.tool_calls:
            items.append(wire.MessageItem(f"msg_{self._id}", [wire.OutputText(choice.text)]))
        items += [
            wire.CallItem(f"fc_{self._id}_{n}", each.id, each.name, each.arguments)
            for n, each in enumerate(choice.tool_calls)
        ]
        return items


class _Stream:
    """Writes one answer as events. Text is sent as it comes, calls when they are whole."""

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer
        self._number = -1
        self._chunks: list[Chunk] = []
        self._speaking = False

    def opening(self) -> bytes:
        begun = self._answer.begun()
        return self._event("response.created", response=begun) + self._event(
            "response.in_progress", response=begun
        )

    def encode(self, chunk: Chunk) -> bytes:
        self._chunks.append(chunk)
        out = b""
        if chunk.text:
            item = self._answer.items(Choice())[0]
            if not self._speaking:
                self._speaking = True
                empty = msgspec.structs.replace(item, content=[], status="in_progress")
                out += self._event("response.output_item.added", output_index=0, item=empty)
                out += self._event("response.content_part.added", item_id=item.id, output_index=0,
                                   content_index=0, part=wire.OutputText(""))  # fmt: skip
            out += self._event("response.output_text.delta", item_id=item.id, output_index=0,
                               content_index=0, delta=chunk.text, logprobs=[])  # fmt: skip
        return out + self._end() if chunk.finish else out

    def fail(self, error: HansaError) -> bytes:
        return self._event("response.failed", response=self._answer.failed(error))

    def _end(self) -> bytes:
        whole = assemble(self._chunks)
        body, out = self._answer.body(whole), b""
        for index, item in enumerate(body.output):
            if isinstance(item, wire.MessageItem):
                out += self._close_text(item) if self._speaking else b""
            else:
                out += self._call(index, item)
        kind = "response.incomplete" if body.status == "incomplete" else "response.completed"
        return out + self._event(kind, response=body)

    def _close_text(self, item: wire.MessageItem) -> bytes:
        text = item.content[0]
        where: dict[str, Any] = {"item_id": item.id, "output_index": 0, "content_index": 0}
        return (
            self._event("response.output_text.done", **where, text=text.text, logprobs=[])
            + self._event("response.content_part.done", **where, part=text)
            + self._event("response.output_item.done", output_index=0, item=item)
        )

    def _call(self, index: int, item: wire.CallItem) -> bytes:
        begun = msgspec.structs.replace(item, arguments="", status="in_progress")
        where: dict[str, Any] = {"item_id": item.id, "output_index": index}
        return (
            self._event("response.output_item.added", output_index=index, item=begun)
            + self._event("response.function_call_arguments.delta", **where, delta=item.arguments)
            + self._event(
                "response.function_call_arguments.done",
                **where,
                name=item.name,
                arguments=item.arguments,
            )
            + self._event("response.output_item.done", output_index=index, item=item)
        )

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        data = {"type": kind, "sequence_number": self._number, **fields}
        return encode_event(msgspec.json.encode(data), kind)


def _usage(used: Usage) -> wire.UsageBody:
    return wire.UsageBody(
        used.prompt_tokens,
        wire.InputDetails(used.cached_tokens),
        used.completion_tokens,
        used.prompt_tokens + used.completion_tokens,
    )
