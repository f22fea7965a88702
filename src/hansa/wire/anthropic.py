"""Anthropic's shapes for messages; a field that is not listed here is refused by name.

Source: Anthropic API reference, "Messages", "Streaming Messages", "Count Message tokens", "Errors".
"""

from typing import Any, Literal

import msgspec

from hansa.wire.openai import Extension


class Block(msgspec.Struct, frozen=True):
    """A content block of a message that comes in."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = {}
    tool_use_id: str = ""
    content: str | list["Block"] = ""
    is_error: bool = False


class InputMessage(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class ToolBody(msgspec.Struct, frozen=True):
    name: str
    input_schema: dict[str, Any] = {}
    description: str = ""
    type: str = "custom"


class ToolChoiceBody(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool = False


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    messages: list[InputMessage]
    system: str | list[Block] = ""
    tools: list[ToolBody] = []
    tool_choice: ToolChoiceBody | None = None


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
