"""What a chat is given in OpenAI's form: messages, tools, the form of the answer.

A kind or field that is not listed here is refused by name. Fields of type `Any` are taken and left
alone: they change nothing about the answer, and most are what the SDKs send back when an answer
becomes history. Fields that may only be null are known and not supported. Source: OpenAI API
reference, "Create chat completion"; Mistral API reference, "Chat Completion".
"""

from typing import Any, Literal

import msgspec


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all that comes in."""


class StreamOptions(Given, frozen=True):
    include_usage: bool | None = False
    include_obfuscation: bool | None = False


class _Part(Given, frozen=True, tag_field="type"):
    prompt_cache_breakpoint: Any = None


class TextPart(_Part, frozen=True, kw_only=True, tag="text"):
    text: str


class RefusalPart(_Part, frozen=True, kw_only=True, tag="refusal"):
    """A model said no; its words are text like any other."""

    refusal: str


class FunctionGiven(Given, frozen=True):
    name: str
    arguments: str | dict[str, Any] = ""
    """JSON text; Mistral's API takes the object itself, too."""
    parsed_arguments: Any = None


class CallGiven(Given, frozen=True):
    """A call that the model made before."""

    id: str
    function: FunctionGiven
    type: Literal["function"] = "function"
    index: Any = None


class _Message(Given, frozen=True, kw_only=True, tag_field="role"):
    content: str | list[TextPart] | None = None


class SystemMessage(_Message, frozen=True, kw_only=True, tag="system"):
    name: None = None


class DeveloperMessage(SystemMessage, frozen=True, kw_only=True, tag="developer"):
    pass


class UserMessage(_Message, frozen=True, kw_only=True, tag="user"):
    name: None = None


class AssistantMessage(Given, frozen=True, kw_only=True, tag_field="role", tag="assistant"):
    content: str | list[TextPart | RefusalPart] | None = None
    refusal: str | None = None
    tool_calls: list[CallGiven] | None = None
    prefix: Any = None
    """Mistral's: the last message is continued; here it always is."""
    reasoning_content: Any = None
    reasoning: Any = None
    annotations: Any = None
    parsed: Any = None
    name: None = None
    audio: None = None
    function_call: None = None


class ToolMessage(_Message, frozen=True, kw_only=True, tag="tool"):
    tool_call_id: str | None = None
    name: Any = None
    """The tool's; the call's id says which it was."""


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionBody(Given, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolBody(Given, frozen=True):
    type: Literal["function"]
    function: FunctionBody


class NamedFunction(Given, frozen=True):
    name: str


class NamedTool(Given, frozen=True):
    type: Literal["function"]
    function: NamedFunction


class SchemaBody(Given, frozen=True):
    name: str = ""
    schema: dict[str, Any] = {}
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Given, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaBody | None = None
