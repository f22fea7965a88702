"""What Amazon Bedrock's ConverseStream is sent, and what comes back.

Source: Amazon Bedrock API reference, "ConverseStream".
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hansa.core.errors import EngineError, Unsupported
from hansa.engines.blocks import Blocks, call_input, sampled, system_text, turns
from hansa.engines.eventstream import Decoder, Frame
from hansa.wire.requests import Chunk, Message, Request
from hansa.wire.tools import Tool

_PASSING = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
    }
)
"""Exceptions after which another replica may serve."""


def converse_body(request: Request, *, fixed_sampling: bool = False) -> dict[str, Any]:
    """The body. Raises Unsupported for what the API has no field for, by its name."""
    sampling = request.sampling
    inference: dict[str, Any] = {"maxTokens": sampling.max_tokens}
    temperature, top_p = sampled(request, fixed=fixed_sampling)
    if temperature is not None:
        inference["temperature"] = temperature
    if top_p is not None:
        inference["topP"] = top_p
    if sampling.stop:
        inference["stopSequences"] = list(sampling.stop)
    body: dict[str, Any] = {
        "messages": [
            {"role": role, "content": content}
            for role, messages in turns(request)
            if (content := _content(messages))
        ],
        "inferenceConfig": inference,
    }
    if system := system_text(request):
        body["system"] = [{"text": system}]
    if tools := _tool_config(request):
        body["toolConfig"] = tools
    return body


def _content(messages: list[Message]) -> list[dict[str, Any]]:
    """The blocks of one turn; results of tools come first."""
    blocks = [block for each in messages for block in _blocks(each)]
    return sorted(blocks, key=lambda block: "toolResult" not in block)


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    text = [{"text": message.content}] if message.content else []  # An empty one is refused.
    if message.role == "tool":
        yield {"toolResult": {"toolUseId": message.tool_call, "content": text}}
        return
    yield from text
    for call in message.tool_calls:
        arguments = call_input(call.arguments)
        yield {"toolUse": {"toolUseId": call.id, "name": call.name, "input": arguments}}


def _tool_config(request: Request) -> dict[str, Any]:
    choice = request.tool_choice
    if not request.tools:
        return {}
    if choice.mode == "none":
        if any(each.tool_calls for each in request.messages):
            raise Unsupported(
                "Bedrock cannot be told tool_choice none after a tool was called",
                hint="leave tool_choice out",
            )
        return {}  # What it is not told of, it cannot call.
    if not choice.parallel:
        raise Unsupported(
            "Bedrock cannot be held to one tool call at a time",
            hint="leave parallel_tool_calls (disable_parallel_tool_use) out",
        )
    config: dict[str, Any] = {"tools": [{"toolSpec": _tool(each)} for each in request.tools]}
    if choice.mode == "required":
        config["toolChoice"] = {"any": {}}
    elif choice.mode == "named":
        config["toolChoice"] = {"tool": {"name": choice.name}}
    return config


def _tool(tool: Tool) -> dict[str, Any]:
    if tool.strict:
        raise Unsupported(
            f"Bedrock cannot be held to the schema of the tool {tool.name!r}",
            hint="leave strict out",
        )
    schema = {"json": tool.parameters or {"type": "object"}}
    said: dict[str, Any] = {"name": tool.name, "inputSchema": schema}
    if tool.description:
        said["description"] = tool.description
    return said


class ConverseReader:
    """Reads the events of one answer."""

    def __init__(self, request: Request) -> None:
        self._blocks = Blocks(request)
        self._decoder = Decoder()
        self.done = False

    def read(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes; events it does not know are none."""
        try:
            for frame in self._decoder.feed(data):
                self._take(frame)
                if self.done:
                    break
        except EngineError as error:
            self._fail(error.message)
        return self._blocks.take()

    def last(self) -> Chunk:
        """The end of the answer. Raises EngineError for one that has none."""
        return self._blocks.last()

    def _take(self, frame: Frame) -> None:
        kind = frame.headers.get(":message-type", "event")
        if kind == "event":
            self._event(frame.headers.get(":event-type", ""), _parse(frame.payload))
        elif kind == "exception":
            name = frame.headers.get(":exception-type", "exception")
            said = f"{name}: {_parse(frame.payload).message}"
            self._fail(said[:300], passing=name in _PASSING)
        else:
            code = frame.headers.get(":error-code", kind)
            said = f"{code}: {frame.headers.get(':error-message', '')}"
            self._fail(said[:300], passing=True)

    def _event(self, kind: str, said: "_Said") -> None:
        index = said.content_block_index
        if kind == "contentBlockDelta":
            self._grow(index, said.delta)
        elif kind == "contentBlockStart":
            if call := said.start.tool_use:
                self._blocks.open_call(index, call.tool_use_id, call.name)
        elif kind == "contentBlockStop":
            self._blocks.close_block(index)
        elif kind == "messageStop":
            self._blocks.stop(said.stop_reason)
        elif kind == "metadata":
            usage = said.usage
            self._blocks.count(
                usage.input_tokens,
                usage.output_tokens,
                read=usage.cache_read_input_tokens or 0,
                written=usage.cache_write_input_tokens or 0,
            )
            self.done = True

    def _grow(self, index: int, delta: "_Delta") -> None:
        self._blocks.text(delta.text)
        if delta.reasoning_content:
            self._blocks.reasoning(delta.reasoning_content.text)
        if delta.tool_use:
            self._blocks.call_arguments(index, delta.tool_use.input)

    def _fail(self, said: str, *, passing: bool = False) -> None:
        self._blocks.fail(said, passing=passing)
        self.done = True


class _Call(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    input: str = ""


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _Call | None = None


class _Reasoning(msgspec.Struct):
    text: str = ""


class _Delta(msgspec.Struct, rename="camel"):
    text: str = ""
    tool_use: _Call | None = None
    reasoning_content: _Reasoning | None = None


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class _Said(msgspec.Struct, rename="camel"):
    """Any event or exception: what is not of its type is empty."""

    content_block_index: int = 0
    start: _Start = msgspec.field(default_factory=_Start)
    delta: _Delta = msgspec.field(default_factory=_Delta)
    stop_reason: str = ""
    usage: _Usage = msgspec.field(default_factory=_Usage)
    message: str = ""


_decode = msgspec.json.Decoder(_Said).decode


def _parse(payload: bytes) -> _Said:
    try:
        return _decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EngineError(f"it sent an event that is none: {error}") from error
