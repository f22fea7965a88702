"""OpenAI's shapes for responses; a kind or field that is not listed here is refused by name.

Fields of type `Any` are taken and left alone, as in `chat`. Source: OpenAI API
reference, "Responses" and "Streaming events".
"""

from typing import Any, Literal

import msgspec

from hansa.wire.chat import Given
from hansa.wire.openai import Extension


class InputText(Given, frozen=True, tag_field="type", tag="input_text"):
    text: str
    prompt_cache_breakpoint: Any = None


class PlainText(Given, frozen=True, tag_field="type", tag="text"):
    text: str


class OutputGiven(Given, frozen=True, tag_field="type", tag="output_text"):
    """What the model said before."""

    text: str
    annotations: Any = None
    logprobs: Any = None
    parsed: Any = None


class RefusalGiven(Given, frozen=True, tag_field="type", tag="refusal"):
    refusal: str


Part = InputText | PlainText | OutputGiven | RefusalGiven


class DirectCaller(Given, frozen=True):
    type: Literal["direct"]


class InputItem(Given, frozen=True):
    """A message, a call the model made, or what a call came to.

    One shape for all three, as a message may come without a `type`.
    """

    type: Literal["message", "function_call", "function_call_output"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Part] | None = None
    id: Any = None
    status: Any = None
    phase: Any = None
    parsed_arguments: Any = None
    caller: DirectCaller | None = None
    namespace: None = None
    async_: None = msgspec.field(default=None, name="async")
    async_dumped: None = msgspec.field(default=None, name="async_")
    """The same as OpenAI's SDK spells it in `model_dump()`."""


class ToolBody(Given, frozen=True):
    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    defer_loading: bool | None = None
    output_schema: None = None


class NamedTool(Given, frozen=True):
    type: Literal["function"]
    name: str


class Format(Given, frozen=True):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    schema: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    strict: bool | None = None
    description: str | None = None


class TextSettings(Given, frozen=True):
    format: Format | None = None
    verbosity: None = None


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str | list[InputItem]
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = False
    tools: list[ToolBody] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextSettings | None = None
    store: bool | None = None
    metadata: Any = None
    user: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    background: Literal[False] | None = None
    conversation: None = None
    previous_response_id: None = None
    reasoning: None = None
    truncation: Literal["disabled"] | None = None
    """What does not fit is refused, here always."""
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
