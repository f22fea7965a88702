"""Anthropic's shapes for messages; a kind or field that is not listed here is refused by name.

Fields of type `Any` are taken and left alone, as in `chat`. Source: Anthropic API
reference, "Messages", "Streaming Messages", "Count Message tokens", "Errors".
"""

from typing import Any, Literal

import msgspec

from hansa.wire.chat import Given
from hansa.wire.openai import Extension


class _Block(Given, frozen=True, kw_only=True, tag_field="type"):
    """A content block of a message that comes in."""

    cache_control: Any = None


class TextGiven(_Block, frozen=True, kw_only=True, tag="text"):
    text: str
    citations: Any = None


class DirectCaller(Given, frozen=True):
    type: Literal["direct"]


class ToolUseGiven(_Block, frozen=True, kw_only=True, tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]
    caller: DirectCaller | None = None
    toolset_name: None = None


class ToolResult(_Block, frozen=True, kw_only=True, tag="tool_result"):
    tool_use_id: str
    content: str | list[TextGiven] | None = ""
    is_error: bool | None = False
    toolset_name: None = None


class Thinking(Given, frozen=True, tag_field="type", tag="thinking"):
    """What a model thought in an earlier answer; the API leaves that out of later prompts, too."""

    thinking: Any = None
    signature: Any = None


class RedactedThinking(Given, frozen=True, tag_field="type", tag="redacted_thinking"):
    data: Any = None


class SystemMessage(Given, frozen=True, tag_field="role", tag="system"):
    content: str | list[TextGiven]


class UserMessage(Given, frozen=True, tag_field="role", tag="user"):
    content: str | list[TextGiven | ToolResult]


class AssistantMessage(Given, frozen=True, tag_field="role", tag="assistant"):
    content: str | list[TextGiven | ToolUseGiven | Thinking | RedactedThinking]


class ToolBody(Given, frozen=True):
    name: str
    input_schema: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    description: str = ""
    type: Literal["custom"] | None = "custom"
    strict: bool | None = None
    cache_control: Any = None
    eager_input_streaming: Any = None
    """How finely a call is cut up in a stream; here as the engine cuts it."""
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: bool | None = None
    input_examples: None = None


class AutoChoice(Given, frozen=True, tag_field="type", tag="auto"):
    disable_parallel_tool_use: bool | None = False


class AnyChoice(AutoChoice, frozen=True, tag="any"):
    pass


class NamedChoice(AutoChoice, frozen=True, kw_only=True, tag="tool"):
    name: str


class NoChoice(Given, frozen=True, tag_field="type", tag="none"):
    pass


class ThinkingOff(Given, frozen=True):
    """Said by clients that can also ask a model to think."""

    type: Literal["disabled"]
    budget_tokens: None = None


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    messages: list[SystemMessage | UserMessage | AssistantMessage]
    system: str | list[TextGiven] = ""
    tools: list[ToolBody] = []
    tool_choice: AutoChoice | AnyChoice | NamedChoice | NoChoice | None = None
    cache_control: Any = None
    thinking: ThinkingOff | None = None


class MessagesRequest(CountRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    max_tokens: int
    stop_sequences: list[str] = []
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: Any = None
    service_tier: Any = None
    hansa: Extension = Extension()


class UsageBody(msgspec.Struct, frozen=True):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class TextBlock(msgspec.Struct, frozen=True):
    text: str
    type: str = "text"


class ToolUseBlock(msgspec.Struct, frozen=True):
    id: str
    name: str
    input: dict[str, Any]
    type: str = "tool_use"


class MessageBody(msgspec.Struct, frozen=True):
    id: str
    model: str
    content: list[Any]
    stop_reason: str | None
    usage: UsageBody
    stop_sequence: str | None = None
    type: str = "message"
    role: str = "assistant"


class MessageStart(msgspec.Struct, frozen=True):
    message: MessageBody
    type: str = "message_start"


class BlockStart(msgspec.Struct, frozen=True):
    index: int
    content_block: Any
    type: str = "content_block_start"


class TextDelta(msgspec.Struct, frozen=True):
    text: str
    type: str = "text_delta"


class InputDelta(msgspec.Struct, frozen=True):
    partial_json: str
    type: str = "input_json_delta"


class BlockDelta(msgspec.Struct, frozen=True):
    index: int
    delta: Any
    type: str = "content_block_delta"


class BlockStop(msgspec.Struct, frozen=True):
    index: int
    type: str = "content_block_stop"


class StopDelta(msgspec.Struct, frozen=True):
    stop_reason: str
    stop_sequence: str | None = None


class MessageDelta(msgspec.Struct, frozen=True):
    delta: StopDelta
    usage: UsageBody
    type: str = "message_delta"


class MessageStop(msgspec.Struct, frozen=True):
    type: str = "message_stop"


class TokenCount(msgspec.Struct, frozen=True):
    input_tokens: int


class ErrorDetail(msgspec.Struct, frozen=True):
    type: str
    message: str


class ErrorReply(msgspec.Struct, frozen=True):
    error: ErrorDetail
    type: str = "error"
