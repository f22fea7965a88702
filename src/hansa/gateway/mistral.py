"""Mistral's dialect: fill in the middle. Its chat is OpenAI's, at the same address."""

from hansa.accounts.keys import ApiKey
from hansa.core.errors import HansaError
from hansa.core.ids import new_request_id
from hansa.gateway.call import Call, Reply
from hansa.gateway.desk import Desk
from hansa.gateway.door import TOO_LONG, Sendable, decode, door, json_reply, too_long
from hansa.gateway.openai_answers import DONE, finish_reason, now_s, usage, whole_chat
from hansa.gateway.openai_requests import policy, stops
from hansa.gateway.router import Route
from hansa.gateway.stream import Encoding, events
from hansa.wire import mistral as wire
from hansa.wire import openai as shapes
from hansa.wire.requests import Chunk, Request, Sampling

FIM_TOKENS_DEFAULT = 64


def routes(desk: Desk) -> list[Route]:
    """The endpoint `/v1/fim/completions`, for the given node."""

    async def fim(call: Call) -> Sendable:
        key = desk.caller(call)
        request = fim_request(decode(await call.body(), wire.FimRequest), key)
        return await desk.answer(
            key,
            request,
            lambda model: _encoding(request.id, model),
            lambda model, whole: whole_chat(request.id, model, whole),
        )

    return [Route("POST", "/v1/fim/completions", door(fim, error_form))]


def fim_request(asked: wire.FimRequest, key: ApiKey) -> Request:
    """Read Mistral's body as a `Request`."""
    sampling = Sampling(
        max_tokens=FIM_TOKENS_DEFAULT if asked.max_tokens is None else asked.max_tokens,
        temperature=asked.temperature or 0.0,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        seed=asked.random_seed,
        stop=stops(asked.stop),
    )
    return Request(
        id=new_request_id(),
        task=asked.hansa.task or "complete",
        model=asked.model,
        prefix=asked.prompt,
        suffix=asked.suffix or "",
        snippets=asked.hansa.snippets,
        sampling=sampling,
        policy=policy(asked.hansa, key),
        budget_ms=asked.hansa.budget_ms,
        deadline_ms=asked.hansa.deadline_ms,
        stream=bool(asked.stream),
    )


def error_form(error: HansaError) -> Reply:
    """Mistral's error, with the hint in its message."""
    code, status = (TOO_LONG, 400) if too_long(error) else (error.code, error.status)
    return json_reply(wire.ErrorReply(str(error), code, code), status)


def _encoding(request_id: str, model: str) -> Encoding:
    created = now_s()
    emit = events()

    def encode(chunk: Chunk) -> bytes:
        finish = finish_reason(chunk.finish) if chunk.finish else None
        choice = shapes.ChunkChoice(shapes.Delta(content=chunk.text, role="assistant"), finish)
        used = usage(chunk.usage) if chunk.finish else None
        return emit(shapes.ChatChunk(request_id, created, model, (choice,), used))

    def fail(error: HansaError) -> bytes:
        return b"data: " + error_form(error).body + b"\n\n"

    return Encoding(encode, fail, closing=DONE)
