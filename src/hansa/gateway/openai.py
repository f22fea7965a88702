"""OpenAI's dialect: chat completions, completions with a suffix, models."""

import time
from collections.abc import Sequence

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.answer.answer import Answering
from hansa.core.errors import HansaError, NotFound, PolicyRefusal, UserError
from hansa.core.ids import new_request_id
from hansa.gateway.door import (
    JSON,
    caller,
    decode,
    door,
    error_response,
    json_response,
    read_body,
)
from hansa.gateway.stream import Encoding, EventStream, begin, events, gather, route_headers
from hansa.league.chain import Chain
from hansa.wire import openai as wire
from hansa.wire.requests import (
    ANY_MODEL,
    Chunk,
    FinishReason,
    Message,
    Policy,
    Request,
    Sampling,
    Task,
    Usage,
)

CHAT_TOKENS_DEFAULT = 512
COMPLETION_TOKENS_DEFAULT = 16
"""Source: OpenAI API reference, `max_tokens` of completions."""

DONE = b"data: [DONE]\n\n"


def routes(answering: Answering, keys: KeyRing, chain: Chain) -> list[Route]:
    """The endpoints under `/v1`, for the given node."""

    async def chat(http: HttpRequest) -> Response:
        key = caller(http, keys)
        asked = decode(await read_body(http), wire.ChatRequest)
        request = chat_request(asked, key)
        answer = await begin(http, answering, request)
        model = served_model(request, chain)
        if asked.stream:
            return EventStream(answer, _chat_encoding(request.id, model, asked))
        whole = await gather(http, answer)
        message = wire.AssistantMessage(whole.text)
        choice = wire.ChatChoice(message, finish_reason(whole.last.finish))
        body = wire.ChatCompletion(request.id, now_s(), model, (choice,), usage(whole.last.usage))
        return Response(msgspec.json.encode(body), 200, route_headers(answer), JSON)

    async def completions(http: HttpRequest) -> Response:
        key = caller(http, keys)
        asked = decode(await read_body(http), wire.CompletionRequest)
        request = completion_request(asked, key)
        answer = await begin(http, answering, request)
        model = served_model(request, chain)
        if asked.stream:
            return EventStream(answer, _text_encoding(request.id, model, asked))
        whole = await gather(http, answer)
        choice = wire.TextChoice(whole.text, finish_reason(whole.last.finish))
        body = wire.TextCompletion(request.id, now_s(), model, (choice,), usage(whole.last.usage))
        return Response(msgspec.json.encode(body), 200, route_headers(answer), JSON)

    async def models(http: HttpRequest) -> Response:
        caller(http, keys)
        return json_response(wire.ModelList(tuple(_models(chain))))

    async def model(http: HttpRequest) -> Response:
        caller(http, keys)
        name = http.path_params["model"]
        found = next((each for each in _models(chain) if each.id == name), None)
        if found is None:
            raise NotFound(f"no member offers the model {name!r}", hint="see GET /v1/models")
        return json_response(found)

    return [
        Route("/v1/chat/completions", door(chat, error_form), methods=["POST"]),
        Route("/v1/completions", door(completions, error_form), methods=["POST"]),
        Route("/v1/models", door(models, error_form), methods=["GET"]),
        Route("/v1/models/{model:path}", door(model, error_form), methods=["GET"]),
    ]


def no_such_endpoint(http: HttpRequest, _: Exception) -> Response:
    """What an SDK is told about an endpoint that Hansa does not offer."""
    error = NotFound(
        f"{http.method} {http.url.path} is not offered here",
        hint="README.md lists what is; tools, images and embeddings are not yet",
    )
    return error_response(error, error_form)


def chat_request(asked: wire.ChatRequest, key: ApiKey) -> Request:
    """Read OpenAI's chat body as a `Request`. Raises UserError for what Hansa cannot do."""
    _refuse_unsupported(asked)
    if asked.tools:
        raise UserError("tools are not supported yet", hint="leave the field `tools` out")
    if asked.logprobs:
        raise UserError("logprobs are not supported")
    if asked.response_format and asked.response_format.get("type") != "text":
        raise UserError("response_format is not supported; only text is")
    given = (asked.max_completion_tokens, asked.max_tokens)
    limit = next((each for each in given if each is not None), CHAT_TOKENS_DEFAULT)
    return build(
        asked, key, "chat", limit, messages=tuple(_message(each) for each in asked.messages)
    )


def completion_request(asked: wire.CompletionRequest, key: ApiKey) -> Request:
    """Read OpenAI's completion body as a `Request`; `suffix` is what follows the cursor."""
    _refuse_unsupported(asked)
    if asked.echo or asked.logprobs is not None or (asked.best_of or 1) > 1:
        raise UserError("echo, logprobs and best_of are not supported")
    prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt
    if len(prompts) != 1:
        raise UserError(f"{len(prompts)} prompts were sent; send one a request")
    limit = COMPLETION_TOKENS_DEFAULT if asked.max_tokens is None else asked.max_tokens
    return build(asked, key, "complete", limit, prefix=prompts[0], suffix=asked.suffix or "")


def build(
    asked: wire.ChatRequest | wire.CompletionRequest,
    key: ApiKey,
    task: Task,
    max_tokens: int,
    *,
    messages: tuple[Message, ...] = (),
    prefix: str = "",
    suffix: str = "",
) -> Request:
    own = asked.hansa
    return Request(
        id=new_request_id(),
        task=own.task or task,
        model=asked.model or ANY_MODEL,
        messages=messages,
        prefix=prefix,
        suffix=suffix,
        snippets=own.snippets,
        sampling=sampling(asked.temperature, asked.top_p, asked.seed, asked.stop, max_tokens),
        policy=policy(own, key),
        budget_ms=own.budget_ms,
        stream=bool(asked.stream),
    )


def sampling(
    temperature: float | None,
    top_p: float | None,
    seed: int | None,
    stop: str | list[str] | None,
    max_tokens: int,
) -> Sampling:
    """Left out means greedy: code wants the likeliest text, and small models need it."""
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    return Sampling(
        max_tokens=max_tokens,
        temperature=0.0 if temperature is None else temperature,
        top_p=1.0 if top_p is None else top_p,
        seed=seed,
        stop=stops,
    )


def policy(own: wire.Extension, key: ApiKey) -> Policy:
    """The caller's hard rules; the tier is the key's, never the body's."""
    return Policy(own.residency, own.licences, own.no_train, key.tier)


def served_model(request: Request, chain: Chain) -> str:
    """The name the reply carries: what was asked for, or the league's only model."""
    terms = chain.current.models
    return terms[0].model if request.model == ANY_MODEL and len(terms) == 1 else request.model


def finish_reason(finish: FinishReason | None) -> str:
    return finish if finish in ("stop", "length") else "stop"


def usage(used: Usage | None) -> wire.UsageBody:
    used = used or Usage()
    return wire.UsageBody(
        used.prompt_tokens,
        used.completion_tokens,
        used.prompt_tokens + used.completion_tokens,
        wire.PromptTokensDetails(used.cached_tokens),
    )


def error_form(error: HansaError) -> bytes:
    """OpenAI's error body; the hint is part of the message, since SDKs show only that."""
    rule = error.rule if isinstance(error, PolicyRefusal) else None
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    detail = wire.ErrorDetail(str(error), kind, error.code, rule)
    return msgspec.json.encode(wire.ErrorReply(detail))


def now_s() -> int:
    return int(time.time())


def stream_error(error: HansaError) -> bytes:
    return b"data: " + error_form(error) + b"\n\n"


def _chat_encoding(request_id: str, model: str, asked: wire.ChatRequest) -> Encoding:
    created = now_s()
    emit = events()

    def chunk_of(delta: wire.Delta, finish: str | None = None) -> wire.ChatChunk:
        return wire.ChatChunk(request_id, created, model, (wire.ChunkChoice(delta, finish),))

    def encode(chunk: Chunk) -> bytes:
        out = emit(chunk_of(wire.Delta(content=chunk.text))) if chunk.text else b""
        if chunk.finish:
            out += emit(chunk_of(wire.Delta(), finish_reason(chunk.finish)))
            if _wants_usage(asked):
                used = usage(chunk.usage)
                out += emit(wire.ChatChunk(request_id, created, model, (), used))
        return out

    opening = emit(chunk_of(wire.Delta(content="", role="assistant")))
    return Encoding(encode, stream_error, opening, DONE)


def _text_encoding(request_id: str, model: str, asked: wire.CompletionRequest) -> Encoding:
    created = now_s()
    emit = events()

    def encode(chunk: Chunk) -> bytes:
        if not chunk.text and not chunk.finish:
            return b""
        finish = finish_reason(chunk.finish) if chunk.finish else None
        choice = wire.TextChoice(chunk.text, finish)
        out = emit(wire.TextCompletion(request_id, created, model, (choice,)))
        if chunk.finish and _wants_usage(asked):
            out += emit(wire.TextCompletion(request_id, created, model, (), usage(chunk.usage)))
        return out

    return Encoding(encode, stream_error, closing=DONE)


def _wants_usage(asked: wire.ChatRequest | wire.CompletionRequest) -> bool:
    return asked.stream_options is not None and asked.stream_options.include_usage


def _message(each: wire.ChatMessage) -> Message:
    if each.role in ("tool", "function"):
        raise UserError(f"messages of role {each.role!r} are not supported yet")
    role = "system" if each.role == "developer" else each.role
    return Message(role, _text(each.content))


def _text(content: str | Sequence[wire.ContentPart] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    strange = next((part.type for part in content if part.type != "text"), None)
    if strange:
        raise UserError(f"message parts of type {strange!r} are not supported; only text is")
    return "".join(part.text for part in content)


def _refuse_unsupported(asked: wire.ChatRequest | wire.CompletionRequest) -> None:
    if (asked.n or 1) != 1:
        raise UserError(f"n is {asked.n}; Hansa answers once a request")


def _models(chain: Chain) -> list[wire.ModelBody]:
    charter = chain.current
    created = charter.issued_at_ms // 1000
    return [wire.ModelBody(terms.model, created, terms.maker) for terms in charter.models]
