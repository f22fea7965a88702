"""The OpenAPI document of a node's public endpoints, from the shapes in hansa.wire.

`scripts/reference.py` writes it to docs/openapi.json. Source: OpenAPI Specification 3.1.0.
"""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from hansa import __version__
from hansa.answer import admit
from hansa.core import bounds
from hansa.gateway.idempotency import NAME_CHARS_MAX
from hansa.wire import anthropic, mistral, openai, responses

REFERENCE = "#/components/schemas/"
MODULES = "hansa.wire."

BOUNDS: dict[str, tuple[float, float]] = {
    "max_tokens": (1, bounds.COMPLETION_TOKENS_MAX),
    "max_completion_tokens": (1, bounds.COMPLETION_TOKENS_MAX),
    "max_output_tokens": (1, bounds.COMPLETION_TOKENS_MAX),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (1, 1000),
    "n": (1, admit.CHOICES_MAX),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "logprobs": (0, admit.LOGPROBS_MAX),
    "top_logprobs": (0, admit.LOGPROBS_MAX),
    "budget_ms": (1, admit.BUDGET_MS_MAX),
}
"""What numbers of a request may be; answer/admit.py refuses others."""

REFUSALS = {
    400: "The request is wrong, or no engine can do what it asks.",
    401: "No API key, or one that does not count here.",
    403: "A hard rule, or what the key is for, does not allow it.",
    404: "There is no such model.",
    408: "The body did not arrive in time.",
    409: "The first request with this Idempotency-Key is still being answered.",
    413: "The body is too large.",
    422: "This Idempotency-Key came with another body.",
    429: "The key's tier allows no more for now.",
    502: "The engine or another member's node failed.",
    503: "Nobody can serve it now; try again.",
    507: "The receipt could not be stored.",
}

ANTHROPIC_REFUSALS = {
    **{status: description for status, description in REFUSALS.items() if status < 500},
    500: "The engine, another member's node or the node's disk failed.",
    529: REFUSALS[503],
}
"""Its API knows no other 5xx; gateway/anthropic.py."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; without `asks` it is a GET."""

    path: str
    summary: str
    answers: type
    error: type
    asks: type | None = None
    streams: bool = False


ENDPOINTS = (
    Endpoint("/v1/chat/completions", "Answer a chat (OpenAI, Mistral).", openai.ChatCompletion,
             openai.ErrorReply, openai.ChatRequest, streams=True),
    Endpoint("/v1/completions", "Complete a text, or fill in before `suffix` (OpenAI).",
             openai.TextCompletion, openai.ErrorReply, openai.CompletionRequest, streams=True),
    Endpoint("/v1/embeddings", "Embed texts (OpenAI, Mistral).", openai.EmbeddingList,
             openai.ErrorReply, openai.EmbeddingRequest),
    Endpoint("/v1/models", "List the league's models (OpenAI, Mistral).", openai.ModelList,
             openai.ErrorReply),
    Endpoint("/v1/models/{model}", "Show one model (OpenAI, Mistral).", openai.ModelBody,
             openai.ErrorReply),
    Endpoint("/v1/responses", "Answer without server-side memory (OpenAI).",
             responses.ResponseBody, openai.ErrorReply, responses.ResponseRequest, streams=True),
    Endpoint("/v1/fim/completions", "Fill in the middle (Mistral).", openai.ChatCompletion,
             mistral.ErrorReply, mistral.FimRequest, streams=True),
    Endpoint("/v1/messages", "Answer messages (Anthropic).", anthropic.MessageBody,
             anthropic.ErrorReply, anthropic.MessagesRequest, streams=True),
    Endpoint("/v1/messages/count_tokens", "Estimate the tokens of messages (Anthropic).",
             anthropic.TokenCount, anthropic.ErrorReply, anthropic.CountRequest),
)  # fmt: skip


def openapi_page() -> str:
    """The document as it is written."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    kinds = [kind for each in ENDPOINTS for kind in (each.answers, each.error, each.asks) if kind]
    unique = list(dict.fromkeys(kinds))
    shown, components = msgspec.json.schema_components(unique, ref_template=REFERENCE + "{name}")
    schemas = dict(zip(unique, shown, strict=True))
    for kind in {each.asks for each in ENDPOINTS if each.asks} | {openai.Extension}:
        name = next(name for name in components if name.endswith(kind.__name__))
        _bound(components[name]["properties"])
    paths: dict[str, Any] = {}
    for each in ENDPOINTS:
        method = "post" if each.asks else "get"
        paths[each.path] = {method: _operation(each, schemas)}
    paths |= _wellbeing()
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Hansa",
            "version": __version__,
            "summary": "One AI coding assistant, run together by organisations that stay "
            "independent.",
            "description": "Written by scripts/reference.py; do not edit. Fields that are not "
            "listed are refused by name where `additionalProperties` is false.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8420"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": components,
        },
    }
    short: dict[str, Any] = json.loads(json.dumps(whole).replace(MODULES, ""))
    return short


def _operation(each: Endpoint, schemas: dict[type, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": schemas[each.answers]}}
    if each.streams:
        content["text/event-stream"] = {}
    answers: dict[str, Any] = {"200": {"description": "The answer.", "content": content}}
    refusal = {"application/json": {"schema": schemas[each.error]}}
    of_get = {401, 404} if "{" in each.path else {401}
    refusals = REFUSALS if each.error is not anthropic.ErrorReply else ANTHROPIC_REFUSALS
    for status, description in refusals.items():
        if each.asks or status in of_get:
            answers[str(status)] = {"description": description, "content": refusal}
    name = each.path.removeprefix("/v1/").translate(str.maketrans("/", "_", "{}"))
    shown: dict[str, Any] = {"operationId": name, "summary": each.summary, "responses": answers}
    if each.asks:
        shown["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[each.asks]}},
        }
        text = {"type": "string", "maxLength": NAME_CHARS_MAX}
        shown["parameters"] = [{"name": "Idempotency-Key", "in": "header", "schema": text}]
    elif "{" in each.path:
        text = {"type": "string", "minLength": 1}
        shown["parameters"] = [{"name": "model", "in": "path", "required": True, "schema": text}]
    return shown


def _wellbeing() -> dict[str, Any]:
    state = {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["ready", "not_ready"]},
            "replicas": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["status", "replicas"],
    }
    lives = {
        "type": "object",
        "properties": {"status": {"type": "string", "const": "ok"}},
        "required": ["status"],
    }
    ready = {"application/json": {"schema": state}}

    def operation(name: str, summary: str, answers: dict[str, Any]) -> dict[str, Any]:
        shown = {"operationId": name, "summary": summary, "security": [], "responses": answers}
        return {"get": shown}

    return {
        "/health": operation("health", "Whether the process runs.", {
            "200": {"description": "It does.", "content": {"application/json": {"schema": lives}}},
        }),
        "/ready": operation("ready", "Whether some replica can serve.", {
            "200": {"description": "One can.", "content": ready},
            "503": {"description": "None can; why, for each.", "content": ready},
        }),
        "/metrics": operation("metrics", "What the node counts, for Prometheus.", {
            "200": {"description": "Its metrics.", "content": {"text/plain": {}}},
        }),
    }  # fmt: skip


def _bound(properties: dict[str, Any]) -> None:
    for name, (low, high) in BOUNDS.items():
        for kind in (shown := properties.get(name, {})).get("anyOf", [shown]):
            if kind.get("type") in ("integer", "number"):
                kind |= {"minimum": low, "maximum": high}
