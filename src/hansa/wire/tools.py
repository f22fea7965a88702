"""Functions a model may call, and the form its answer has to have."""

from typing import Any, Literal

import msgspec


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function the caller offers to the model."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    """JSON Schema of its arguments."""
    strict: bool = False
    """Whether the arguments must match the schema to the letter."""


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    """The tool that has to be called; only with `named`."""
    parallel: bool = True
    """Whether more than one call may be in an answer."""


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call the model made, in a message or whole."""

    id: str
    name: str
    arguments: str = ""
    """JSON text, as the model wrote it."""


class ToolDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of a call: its first piece has `id` and `name`, all pieces' `arguments` add up."""

    position: int
    """Which call of the answer, from 0."""
    id: str = ""
    name: str = ""
    arguments: str = ""


class OutputForm(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the text has to be: any JSON object, or JSON that matches a schema."""

    kind: Literal["json_object", "json_schema"]
    name: str = ""
    schema: dict[str, Any] = {}
    strict: bool = False
    description: str = ""
    """What the form is for, as the model is told."""
