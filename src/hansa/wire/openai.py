"""OpenAI's shapes, as far as a coding assistant needs them; fields we do not know are ignored.

Source: OpenAI API reference, "Chat Completions", "Completions", "Models".
"""

from typing import Any, Literal

import msgspec

from hansa.wire.requests import Snippet, Task


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hansa's own part of a body, in the field `hansa` (the SDKs' `extra_body`)."""

    residency: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    no_train: bool = False
    snippets: tuple[Snippet, ...] = ()
    task: Task | None = None
    budget_ms: int | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class ContentPart(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class ChatMessage(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    hansa: Extension = Extension()


class ChatRequest(_Common, frozen=True, kw_only=True):
    messages: list[ChatMessage]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[Any] | None = None
    logprobs: bool | None = None
    response_format: dict[str, Any] | None = None


class CompletionRequest(_Common, frozen=True, kw_only=True):
    prompt: str | list[str]
    suffix: str | None = None
    max_tokens: int | None = None
    echo: bool | None = False
    best_of: int | None = None
    logprobs: int | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True):
    cached_tokens: int


class UsageBody(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


class AssistantMessage(msgspec.Struct, frozen=True):
    content: str
    role: str = "assistant"
    refusal: None = None


class ChatChoice(msgspec.Struct, frozen=True):
    message: AssistantMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class ChatCompletion(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: UsageBody
    object: str = "chat.completion"


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    content: str | None = None
    role: str | None = None


class ChunkChoice(msgspec.Struct, frozen=True):
    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class ChatChunk(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    usage: UsageBody | None = None
    object: str = "chat.completion.chunk"


class TextChoice(msgspec.Struct, frozen=True):
    text: str
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class TextCompletion(msgspec.Struct, frozen=True):
    """A whole completion, and also one chunk of it."""

    id: str
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    usage: UsageBody | None = None
    object: str = "text_completion"


class Capabilities(msgspec.Struct, frozen=True):
    """Mistral's SDK requires these of a model."""

    completion_chat: bool = True
    completion_fim: bool = True
    function_calling: bool = False
    fine_tuning: bool = False
    vision: bool = False


class ModelBody(msgspec.Struct, frozen=True):
    """One model, with the fields both OpenAI's and Mistral's SDK read."""

    id: str
    created: int
    owned_by: str
    object: str = "model"
    type: str = "base"
    capabilities: Capabilities = Capabilities()


class ModelList(msgspec.Struct, frozen=True):
    data: tuple[ModelBody, ...]
    object: str = "list"


class ErrorDetail(msgspec.Struct, frozen=True):
    message: str
    type: str
    code: str
    param: str | None = None


class ErrorReply(msgspec.Struct, frozen=True):
    error: ErrorDetail
