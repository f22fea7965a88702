"""OpenAI's dialect: chat completions, completions with a suffix, embeddings, models."""

from collections.abc import Callable, Sequence

from hansa.accounts.keys import ApiKey
from hansa.core.errors import HansaError, NotFound, PolicyRefusal, SpendLimit
from hansa.gateway import openai_requests as requests
from hansa.gateway.call import Call, Reply
from hansa.gateway.desk import Desk
from hansa.gateway.door import TOO_LONG, Sendable, decode, door, json_reply, too_long
from hansa.gateway.openai_answers import (
    chat_encoding,
    embedding_body,
    text_body,
    text_encoding,
    whole_chat,
)
from hansa.gateway.router import Route
from hansa.gateway.stream import read_whole, route_headers
from hansa.gateway.whole import assemble
from hansa.league.chain import Chain
from hansa.wire import openai as wire
from hansa.wire.features import FEATURES
from hansa.wire.protocol import ModelTerms, ReplicaStatus

Offers = Callable[[str], Sequence[ReplicaStatus]]
"""The replicas that serve a model, here and at peers."""


def routes(desk: Desk, chain: Chain, offers: Offers) -> list[Route]:
    """The endpoints under `/v1`, for the given node."""

    async def chat(call: Call) -> Sendable:
        key = desk.caller(call)
        asked = decode(await call.body(), wire.ChatRequest)
        request = requests.chat_request(asked, key)
        return await desk.answer(
            key,
            request,
            lambda model: chat_encoding(request.id, model, asked, stream_error),
            lambda model, whole: whole_chat(request.id, model, whole),
        )

    async def completions(call: Call) -> Sendable:
        key = desk.caller(call)
        asked = decode(await call.body(), wire.CompletionRequest)
        request = requests.completion_request(asked, key)
        return await desk.answer(
            key,
            request,
            lambda model: text_encoding(request.id, model, asked, stream_error),
            lambda model, whole: text_body(request.id, model, whole),
        )

    async def embeddings(call: Call) -> Sendable:
        key = desk.caller(call)
        asked = decode(await call.body(), wire.EmbeddingRequest)
        request = requests.embedding_request(asked, key)
        answer = await desk.begin(key, request)
        whole = assemble(await read_whole(answer))
        body = embedding_body(request.id, answer.model, whole, asked.encoding_format or "float")
        return Reply(body, headers=route_headers(answer))

    async def models(call: Call) -> Sendable:
        return json_reply(wire.ModelList(tuple(_models(chain, desk.caller(call), offers))))

    async def model(call: Call) -> Sendable:
        key = desk.caller(call)
        found = next(
            (each for each in _models(chain, key, offers) if each.id == call.path_rest), None
        )
        if found is None:
            raise NotFound(
                f"no member offers the model {call.path_rest!r}", hint="see GET /v1/models"
            )
        return json_reply(found)

    return [
        Route("POST", "/v1/chat/completions", door(chat, error_form)),
        Route("POST", "/v1/completions", door(completions, error_form)),
        Route("POST", "/v1/embeddings", door(embeddings, error_form)),
        Route("GET", "/v1/models", door(models, error_form)),
        Route("GET", "/v1/models/*", door(model, error_form)),
    ]


def error_form(error: HansaError) -> Reply:
    """OpenAI's error; the hint is part of the message, since SDKs show only that."""
    rule = error.rule if isinstance(error, PolicyRefusal) else None
    code, status = (TOO_LONG, 400) if too_long(error) else (error.code, error.status)
    detail = wire.ErrorDetail(str(error), _kind(error), code, rule or error.field or None)
    return json_reply(wire.ErrorReply(detail), status)


def _kind(error: HansaError) -> str:
    if isinstance(error, SpendLimit):
        return "insufficient_quota"
    if error.status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if error.status < 500 else "server_error"


def stream_error(error: HansaError) -> bytes:
    return b"data: " + error_form(error).body + b"\n\n"


def _models(chain: Chain, key: ApiKey, offers: Offers) -> list[wire.ModelBody]:
    charter = chain.current
    only = key.scope.models if key.scope else ()
    created = charter.issued_at_ms // 1000
    return [
        _model(terms, created, offers(terms.model))
        for terms in charter.models
        if not only or terms.model in only
    ]


def _model(terms: ModelTerms, created: int, replicas: Sequence[ReplicaStatus]) -> wire.ModelBody:
    able = {feature for each in replicas for feature in each.features}
    return wire.ModelBody(
        id=terms.model,
        created=created,
        owned_by=terms.maker,
        capabilities=wire.Capabilities("chat" in able, "suffix" in able, "tools" in able),
        features=tuple([each for each in FEATURES if each in able]),
        max_context_length=max((each.context_tokens for each in replicas), default=0),
        weights_sha256=terms.weights_sha256,
    )
