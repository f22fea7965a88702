"""OpenAI's shapes for chat, completions, embeddings and models; what a chat is given is in `chat`.

A field that is not listed here is refused by name. Source: OpenAI API reference, "Chat
Completions", "Completions", "Embeddings", "Models".
"""

from typing import Annotated, Any, Literal

import msgspec

from hansa.wire.chat import Message, NamedTool, ResponseFormat, StreamOptions, ToolBody
from hansa.wire.features import Feature
from hansa.wire.requests import Snippet, Task


class SnippetGiven(Snippet, frozen=True, forbid_unknown_fields=True):
    """A snippet in a body: what is not known of it is refused, as elsewhere in the body."""


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hansa's own part of a body, in the field `hansa` (the SDKs' `extra_body`)."""

    residency: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    no_train: bool = False
    snippets: tuple[SnippetGiven, ...] = ()
    begins: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Of a completion: what the answer has to begin with, where the engine can see to it."""
    task: Task | None = None
    budget_ms: int | None = None
    deadline_ms: int | None = None
    """Refused at once, with 503 (Anthropic: 529), when no replica can answer in this time."""


class _Ignored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that change nothing about the answer; taken so that clients that send them work."""

    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    prompt_cache_retention: Any = None


class _Common(_Ignored, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    random_seed: int | None = None
    """Mistral's name for `seed`."""
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    hansa: Extension = Extension()


class ChatRequest(_Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    messages: list[Message]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[ToolBody] | None = None
    tool_choice: Literal["auto", "none", "required", "any"] | NamedTool | None = None
    """`any` is Mistral's word for `required`."""
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None


class CompletionRequest(_Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    prompt: str | list[str]
    suffix: str | None = None
    max_tokens: int | None = None
    echo: bool | None = False
    best_of: int | None = None
    logprobs: int | None = None


class EmbeddingRequest(_Ignored, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = None
    output_dimension: int | None = None
    """Mistral's name for `dimensions`."""
    output_dtype: Literal["float"] | None = None
    hansa: Extension = Extension()


class FunctionCall(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class ToolCallBody(msgspec.Struct, frozen=True):
    id: str
    function: FunctionCall
    type: str = "function"


class PromptTokensDetails(msgspec.Struct, frozen=True):
    cached_tokens: int


class UsageBody(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


class TopLogprobBody(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int] | None = None


class LogprobBody(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopLogprobBody]


class ChatLogprobs(msgspec.Struct, frozen=True):
    content: list[LogprobBody]
    refusal: None = None


class TextLogprobs(msgspec.Struct, frozen=True):
    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class AssistantMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    content: str | None
    role: str
    refusal: str | None
    tool_calls: list[ToolCallBody] | None = None
    reasoning_content: str | None = None


class ChatChoice(msgspec.Struct, frozen=True):
    message: AssistantMessage
    finish_reason: str
    index: int = 0
    logprobs: ChatLogprobs | None = None


class ChatCompletion(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: UsageBody
    object: str = "chat.completion"


class FunctionDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    index: int
    function: FunctionDelta
    id: str | None = None
    type: str | None = None


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    content: str | None = None
    role: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    reasoning_content: str | None = None


class ChunkChoice(msgspec.Struct, frozen=True):
    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: ChatLogprobs | None = None


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
    logprobs: TextLogprobs | None = None


class TextCompletion(msgspec.Struct, frozen=True):
    """A whole completion, and also one chunk of it."""

    id: str
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    usage: UsageBody | None = None
    object: str = "text_completion"


class EmbeddingBody(msgspec.Struct, frozen=True):
    embedding: list[float] | str
    index: int
    object: str = "embedding"


class EmbedUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(msgspec.Struct, frozen=True):
    data: list[EmbeddingBody]
    model: str
    usage: EmbedUsage
    id: str = ""
    """Mistral's SDK requires one."""
    object: str = "list"


class Capabilities(msgspec.Struct, frozen=True):
    """Mistral's SDK requires these of a model."""

    completion_chat: bool
    completion_fim: bool
    function_calling: bool
    fine_tuning: bool = False
    vision: bool = False


class ModelBody(msgspec.Struct, frozen=True):
    """One model, with the fields both OpenAI's and Mistral's SDK read."""

    id: str
    created: int
    owned_by: str
    capabilities: Capabilities
    features: tuple[Feature, ...]
    """What some replica of it can do; Hansa's own field. Empty while none is known."""
    max_context_length: int
    """Tokens of prompt and answer at the roomiest replica; 0 while none is known. Mistral's SDK
    takes 32,768 where it is missing."""
    weights_sha256: str = ""
    """As the charter names them; empty if it does not. Hansa's own field."""
    object: str = "model"
    type: str = "base"


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
