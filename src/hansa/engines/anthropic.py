"""Anthropic's API. Not run here.

Source: Anthropic API reference, "Messages", "Streaming Messages", "Errors".
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hansa.core.errors import ConfigError, EngineError
from hansa.engines.blocks import Blocks, call_input, sampled, system_text, turns
from hansa.engines.hosted import Asked, Hosted
from hansa.engines.http import HttpClient
from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Message, Request
from hansa.wire.sse import Decoder, Event
from hansa.wire.tools import Tool, ToolChoice

VERSION = "2023-06-01"

FEATURES: frozenset[Feature] = frozenset({"chat", "prefill", "tools", "top_k"})
"""All that the API has a field for."""

FIXED: frozenset[Feature] = frozenset({"chat", "tools"})
"""What its models can do whose sampling is fixed; they continue no message either."""

_PASSING = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
"""Errors after which another replica may serve."""


def anthropic(
    *,
    name: str,
    url: str,
    model: str,
    api_key: str,
    features: frozenset[Feature] = FEATURES,
    fixed_sampling: bool = False,
) -> Hosted:
    """The engine of replica `name`: `model` at `url`, such as `https://api.anthropic.com`.

    With `fixed_sampling` the model is sent no temperature and no `top_p`.

    Raises:
        ConfigError: no key, or no address.
    """
    if not api_key:
        raise ConfigError(f"replica {name!r} needs a key of Anthropic's", hint="set api_key_file")
    http = HttpClient(
        url,
        [
            ("x-api-key", api_key),
            ("anthropic-version", VERSION),
            ("content-type", "application/json"),
        ],
    )
    path = http.origin.base.removesuffix("/v1") + "/v1/messages"
    return Hosted(name, http, Messages(path, model, fixed_sampling), features)


class Messages:
    """How the endpoint for messages is asked and read."""

    too_long = ("prompt is too long", "exceed context limit")

    def __init__(self, path: str, model: str, fixed_sampling: bool) -> None:
        self._path, self._model, self._fixed = path, model, fixed_sampling

    def ask(self, request: Request) -> Asked:
        body = messages_body(request, self._model, fixed_sampling=self._fixed)
        return Asked(self._path, msgspec.json.encode(body))

    def reader(self, request: Request) -> "MessagesReader":
        return MessagesReader(request)


def messages_body(request: Request, model: str, *, fixed_sampling: bool = False) -> dict[str, Any]:
    """The body for `/v1/messages`. Raises Unsupported for sampling that is fixed."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": sampling.max_tokens,
        "messages": [
            {"role": role, "content": content}
            for role, messages in turns(request)
            if (content := _content(messages))
        ],
        "stream": True,
    }
    if system := system_text(request):
        body["system"] = system
    temperature, top_p = sampled(request, fixed=fixed_sampling)
    if temperature is not None:
        body["temperature"] = temperature
    if top_p is not None:
        body["top_p"] = top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    if request.tools:
        body["tools"] = [_tool(each) for each in request.tools]
        if choice := _tool_choice(request.tool_choice):
            body["tool_choice"] = choice
    return body


def _content(messages: list[Message]) -> list[dict[str, Any]]:
    """The blocks of one turn; results of tools come first, as the API wants them."""
    blocks = [block for each in messages for block in _blocks(each)]
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {
            "type": "tool_result",
            "tool_use_id": message.tool_call,
            "content": message.content,
        }
        return
    if message.content:  # The API refuses an empty text.
        yield {"type": "text", "text": message.content}
    for call in message.tool_calls:
        yield {
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": call_input(call.arguments),
        }


def _tool(tool: Tool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": tool.name,
        "input_schema": tool.parameters or {"type": "object"},
    }
    if tool.description:
        said["description"] = tool.description
    if tool.strict:
        said["strict"] = True
    return said


def _tool_choice(choice: ToolChoice) -> dict[str, Any]:
    """Empty where the API's default says the same."""
    if choice.mode == "none":
        return {"type": "none"}
    said: dict[str, Any] = {}
    if choice.mode == "required":
        said = {"type": "any"}
    elif choice.mode == "named":
        said = {"type": "tool", "name": choice.name}
    if not choice.parallel:
        said = (said or {"type": "auto"}) | {"disable_parallel_tool_use": True}
    return said


class MessagesReader:
    """Reads the events of one answer."""

    def __init__(self, request: Request) -> None:
        self._blocks = Blocks(request)
        self._decoder = Decoder()
        self.done = False

    def read(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes; events it does not know, such as `ping`, are none."""
        for event in self._decoder.feed(data):
            try:
                self._take(_parse(event))
            except EngineError as error:
                self._fail(error.message)
            if self.done:
                break
        return self._blocks.take()

    def last(self) -> Chunk:
        """The end of the answer. Raises EngineError for one that has none."""
        return self._blocks.last()

    def _take(self, said: "_Said") -> None:
        if said.type == "content_block_delta":
            self._grow(said.index, said.delta)
        elif said.type == "content_block_start":
            self._open(said.index, said.content_block)
        elif said.type == "content_block_stop":
            self._blocks.close_block(said.index)
        elif said.type == "message_start":
            # Its count of the answer is of the first tokens only, so it is not taken over.
            self._count(said.message.usage, final=False)
        elif said.type == "message_delta":
            self._count(said.usage, final=True)
            if said.delta.stop_reason:
                self._blocks.stop(said.delta.stop_reason)
        elif said.type == "message_stop":
            self.done = True
        elif said.type == "error":
            error = said.error
            self._fail(f"{error.type}: {error.message}"[:300], passing=error.type in _PASSING)

    def _open(self, index: int, block: "_Block") -> None:
        if block.type == "tool_use":
            self._blocks.open_call(index, block.id, block.name)
        else:
            self._blocks.text(block.text)
            self._blocks.reasoning(block.thinking)

    def _grow(self, index: int, delta: "_Delta") -> None:
        if delta.type == "text_delta":
            self._blocks.text(delta.text)
        elif delta.type == "input_json_delta":
            self._blocks.call_arguments(index, delta.partial_json)
        elif delta.type == "thinking_delta":
            self._blocks.reasoning(delta.thinking)

    def _count(self, usage: "_Usage", *, final: bool) -> None:
        self._blocks.count(
            usage.input_tokens,
            usage.output_tokens if final else None,
            read=usage.cache_read_input_tokens or 0,
            written=usage.cache_creation_input_tokens or 0,
        )

    def _fail(self, said: str, *, passing: bool = False) -> None:
        self._blocks.fail(said, passing=passing)
        self.done = True


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Message(msgspec.Struct):
    usage: _Usage = msgspec.field(default_factory=_Usage)


class _Error(msgspec.Struct):
    type: str = "error"
    message: str = ""


class _Said(msgspec.Struct):
    """Any event: what is not of its type is empty."""

    type: str
    index: int = 0
    message: _Message = msgspec.field(default_factory=_Message)
    content_block: _Block = msgspec.field(default_factory=_Block)
    delta: _Delta = msgspec.field(default_factory=_Delta)
    usage: _Usage = msgspec.field(default_factory=_Usage)
    error: _Error = msgspec.field(default_factory=_Error)


_decode = msgspec.json.Decoder(_Said).decode


def _parse(event: Event) -> _Said:
    try:
        return _decode(event.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EngineError(f"it sent an event that is none: {error}") from error
