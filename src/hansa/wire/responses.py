"""OpenAI's shapes for responses; a field that is not listed here is refused by name.

Source: OpenAI API reference, "Responses" and "Streaming events".
"""

from typing import Any, Literal

import msgspec

from hansa.wire.openai import Extension


class Part(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class InputItem(msgspec.Struct, frozen=True):
    """A message, a call the model made, or what a call came to."""

    type: str = "message"
    role: Literal["user", "assistant", "system", "developer", ""] = ""
    content: str | list[Part] = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | list[Part] = ""


class ToolBody(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(msgspec.Struct, frozen=True):
    type: str
    name: str = ""


class Format(msgspec.Struct, frozen=True):
    type: str = "text"
    name: str = ""
    schema: dict[str, Any] = {}
    strict: bool | None = None
    description: str | None = None


class TextSettings(msgspec.Struct, frozen=True):
    format: Format = Format()


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str | list[InputItem]
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = False
    tools: list[ToolBody] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextSettings | None = None
    store: bool | None = None
    metadata: Any = None
    user: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    hansa: Extension = Extension()


class OutputText(msgspec.Struct, frozen=True):
    text: str
    annotations: list[Any] = []
    type: str = "output_text"


class MessageItem(msgspec.Struct, frozen=True):
    id: str
    content: list[OutputText]
    status: str = "completed"
    role: str = "assistant"
    type: str = "message"


class CallItem(msgspec.Struct, frozen=True):
    id: str
    call_id: str
    name: str
    arguments: str
    status: str = "completed"
    type: str = "function_call"


class InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    cache_write_tokens: int = 0


class OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int = 0


class UsageBody(msgspec.Struct, frozen=True):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    total_tokens: int
    output_tokens_details: OutputDetails = OutputDetails()


class Incomplete(msgspec.Struct, frozen=True):
    reason: str


class ErrorBody(msgspec.Struct, frozen=True):
    code: str
    message: str


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: float
    model: str
    status: str
    output: list[Any]
    usage: UsageBody | None = None
    incomplete_details: Incomplete | None = None
    error: ErrorBody | None = None
    instructions: str | None = None
    metadata: dict[str, str] = {}
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    tool_choice: str = "auto"
    tools: list[Any] = []
    store: bool = False
    object: str = "response"
