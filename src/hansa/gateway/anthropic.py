"""Anthropic's dialect: messages, whole and streamed, and counting their tokens."""

from typing import Any

import msgspec

from hansa.core.errors import HansaError
from hansa.gateway.anthropic_requests import count_tokens, messages_request
from hansa.gateway.call import Call, Reply
from hansa.gateway.desk import Desk
from hansa.gateway.door import Sendable, decode, door, json_reply, too_long
from hansa.gateway.router import Route
from hansa.gateway.stream import Encoding, events
from hansa.gateway.whole import Whole
from hansa.wire import anthropic as wire
from hansa.wire.requests import Chunk, FinishReason, Usage
from hansa.wire.sse import encode_event

_STOPPED: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "cancelled": "end_turn",
}

_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
"""Source: Anthropic API reference, "Errors": other 4xx are `invalid_request_error`, other 5xx
`api_error`."""

_OVERLOADED, _FAILED = 529, 500
"""What the API says where others say 503, and for every other failure that is not the caller's."""


def routes(desk: Desk) -> list[Route]:
    """The endpoints `/v1/messages` and `/v1/messages/count_tokens`, for the given node."""

    async def messages(call: Call) -> Sendable:
        key = desk.caller(call)
        request = messages_request(decode(await call.body(), wire.MessagesRequest), key)

        def encoding(model: str) -> Encoding:
            stream = _Stream(request.id, model)
            return Encoding(stream.encode, stream.fail, stream.opening())

        return await desk.answer(
            key,
            request,
            encoding,
            lambda model, whole: _whole(request.id, model, whole),
            "anthropic",
        )

    async def count(call: Call) -> Sendable:
        desk.caller(call)
        return json_reply(
            wire.TokenCount(count_tokens(decode(await call.body(), wire.CountRequest)))
        )

    return [
        Route("POST", "/v1/messages", door(messages, error_form)),
        Route("POST", "/v1/messages/count_tokens", door(count, error_form)),
    ]


def error_form(error: HansaError) -> Reply:
    """Anthropic's error, with a status and a type that its API has."""
    status = 400 if too_long(error) else error.status
    if status >= 500:
        status = _OVERLOADED if status == 503 else _FAILED
    other = "invalid_request_error" if status < 500 else "api_error"
    detail = wire.ErrorDetail(_ERROR_TYPES.get(status, other), str(error))
    return json_reply(wire.ErrorReply(detail), status)


def _whole(request_id: str, model: str, whole: Whole) -> bytes:
    choice = whole.choices[0]
    content: list[Any] = [wire.TextBlock(choice.text)] if choice.text else []
    content += [
        wire.ToolUseBlock(each.id, each.name, _arguments(each.arguments))
        for each in choice.tool_calls
    ]
    body = wire.MessageBody(
        f"msg_{request_id}", model, content, _STOPPED[choice.finish], _usage(whole.usage)
    )
    return msgspec.json.encode(body)


class _Stream:
    """Writes one answer as Anthropic's events: blocks that open, grow and close."""

    def __init__(self, request_id: str, model: str) -> None:
        self._id, self._model = request_id, model
        self._block = -1
        self._open: int | None = None
        """What the open block is of: -1 text, else the position of a tool call; None: none."""

    def opening(self) -> bytes:
        message = wire.MessageBody(f"msg_{self._id}", self._model, [], None, wire.UsageBody(0, 0))
        return _event(wire.MessageStart(message))

    def encode(self, chunk: Chunk) -> bytes:
        out = b""
        if chunk.text:
            out += self._enter(-1, wire.TextBlock(""))
            out += _event(wire.BlockDelta(self._block, wire.TextDelta(chunk.text)))
        for call in chunk.tool_calls:
            out += self._enter(call.position, wire.ToolUseBlock(call.id, call.name, {}))
            if call.arguments:
                out += _event(wire.BlockDelta(self._block, wire.InputDelta(call.arguments)))
        if chunk.finish:
            out += self._leave()
            stop = wire.StopDelta(_STOPPED[chunk.finish])
            out += _event(wire.MessageDelta(stop, _usage(chunk.usage or Usage())))
            out += _event(wire.MessageStop())
        return out

    def fail(self, error: HansaError) -> bytes:
        return encode_event(error_form(error).body, "error")

    def _enter(self, of: int, block: wire.TextBlock | wire.ToolUseBlock) -> bytes:
        if self._open == of:
            return b""
        out = self._leave()
        self._block += 1
        self._open = of
        return out + _event(wire.BlockStart(self._block, block))

    def _leave(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event(wire.BlockStop(self._block))


def _event(value: Any) -> bytes:
    return events(value.type)(value)


def _usage(used: Usage) -> wire.UsageBody:
    """Anthropic counts cached tokens beside the input, not among it."""
    fresh = used.prompt_tokens - used.cached_tokens
    return wire.UsageBody(fresh, used.completion_tokens, used.cached_tokens)


def _arguments(text: str) -> dict[str, Any]:
    """Arguments as an object; what a model wrote that is none is handed on as it is."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {"_unparsed": text}
