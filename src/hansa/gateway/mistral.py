"""Mistral's dialect: fill in the middle. Its chat is OpenAI's, at the same address."""

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.answer.answer import Answering
from hansa.core.errors import HansaError
from hansa.core.ids import new_request_id
from hansa.gateway import openai
from hansa.gateway.door import JSON, caller, decode, door, read_body
from hansa.gateway.stream import Encoding, EventStream, begin, events, gather, route_headers
from hansa.league.chain import Chain
from hansa.wire import mistral as wire
from hansa.wire import openai as shapes
from hansa.wire.requests import Chunk, Request

FIM_TOKENS_DEFAULT = 64


def routes(answering: Answering, keys: KeyRing, chain: Chain) -> list[Route]:
    """The endpoint `/v1/fim/completions`, for the given node."""

    async def fim(http: HttpRequest) -> Response:
        key = caller(http, keys)
        asked = decode(await read_body(http), wire.FimRequest)
        request = fim_request(asked, key)
        answer = await begin(http, answering, request)
        model = openai.served_model(request, chain)
        if asked.stream:
            return EventStream(answer, _encoding(request.id, model))
        whole = await gather(http, answer)
        message = shapes.AssistantMessage(whole.text)
        choice = shapes.ChatChoice(message, openai.finish_reason(whole.last.finish))
        used = openai.usage(whole.last.usage)
        body = shapes.ChatCompletion(request.id, openai.now_s(), model, (choice,), used)
        return Response(msgspec.json.encode(body), 200, route_headers(answer), JSON)

    return [Route("/v1/fim/completions", door(fim, error_form), methods=["POST"])]


def fim_request(asked: wire.FimRequest, key: ApiKey) -> Request:
    """Read Mistral's body as a `Request`."""
    limit = FIM_TOKENS_DEFAULT if asked.max_tokens is None else asked.max_tokens
    return Request(
        id=new_request_id(),
        task=asked.hansa.task or "complete",
        model=asked.model,
        prefix=asked.prompt,
        suffix=asked.suffix or "",
        snippets=asked.hansa.snippets,
        sampling=openai.sampling(
            asked.temperature, asked.top_p, asked.random_seed, asked.stop, limit
        ),
        policy=openai.policy(asked.hansa, key),
        budget_ms=asked.hansa.budget_ms,
        stream=bool(asked.stream),
    )


def error_form(error: HansaError) -> bytes:
    return msgspec.json.encode(wire.ErrorReply(str(error), error.code, error.code))


def _encoding(request_id: str, model: str) -> Encoding:
    created = openai.now_s()
    emit = events()

    def encode(chunk: Chunk) -> bytes:
        finish = openai.finish_reason(chunk.finish) if chunk.finish else None
        choice = shapes.ChunkChoice(shapes.Delta(content=chunk.text, role="assistant"), finish)
        used = openai.usage(chunk.usage) if chunk.finish else None
        return emit(shapes.ChatChunk(request_id, created, model, (choice,), used))

    def fail(error: HansaError) -> bytes:
        return b"data: " + error_form(error) + b"\n\n"

    return Encoding(encode, fail, closing=openai.DONE)
