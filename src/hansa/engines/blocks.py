"""What the APIs have in common whose messages are made of blocks (Anthropic's, Bedrock's)."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal

import msgspec

from hansa.core.errors import EngineError, EngineUnavailable, Unsupported
from hansa.wire.requests import Chunk, FinishReason, Message, Request, Usage
from hansa.wire.tools import ToolDelta

CHARS_PER_TOKEN = 3.0
"""For an estimate, as long as the engine has not said how many tokens there were."""

TOOL_CALLS_MAX = 128

FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""Of both APIs; another reason is `stop`.

Source: Anthropic API reference, "Handling stop reasons"; Amazon Bedrock API reference,
"MessageStopEvent".
"""

Turn = tuple[Literal["user", "assistant"], list[Message]]


def system_text(request: Request) -> str:
    """All that system messages say, as one text."""
    return "\n\n".join(
        each.content for each in request.messages if each.role == "system" and each.content
    )


def turns(request: Request) -> Iterator[Turn]:
    """The conversation as turns of user and assistant in alternation; a tool's result is the
    user's."""
    said = [each for each in request.messages if each.role != "system"]
    for assistant, messages in groupby(said, lambda each: each.role == "assistant"):
        yield "assistant" if assistant else "user", list(messages)


def call_input(arguments: str) -> dict[str, Any]:
    """Arguments of a call as an object; what a model wrote that is none is kept under a name."""
    try:
        return msgspec.json.decode(arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {"_unparsed": arguments}


def sampled(request: Request, *, fixed: bool) -> tuple[float | None, float | None]:
    """Temperature and `top_p` to send; None: left out.

    At temperature 0 `top_p` changes nothing, and newer models refuse the two together. A model
    whose sampling is `fixed` is sent neither; 0 is then taken for "not said", which Hansa's
    requests do not tell apart.

    Raises:
        Unsupported: it is fixed and the request asks for another, by name.
    """
    temperature, top_p = request.sampling.temperature, request.sampling.top_p
    if not fixed:
        return temperature, top_p if top_p != 1 and temperature else None
    for name, value, same in (("temperature", temperature, (0, 1)), ("top_p", top_p, (1,))):
        if value not in same:
            raise Unsupported(
                f"the model takes no {name}, and {value:g} is asked for", hint=f"leave {name} out"
            )
    return None, None


class Blocks:
    """Gathers the blocks of one answer; `take()` hands over what came since the last call.

    Text that arrives together leaves together, in one chunk.
    """

    def __init__(self, request: Request) -> None:
        self._prompt_tokens = round(request.prompt_chars() / CHARS_PER_TOKEN)
        self._cached_tokens = 0
        self._completion_tokens: int | None = None
        self._pieces = self._chars = 0
        self._finish: FinishReason | None = None
        self._positions: dict[int, int] = {}
        """Index of each block that is a call to which call it is."""
        self._silent: set[int] = set()
        """Calls whose arguments have not begun."""
        self._chunks: list[Chunk] = []
        self._texts: list[str] = []
        self._begun = False
        self._failure: EngineError | None = None

    def text(self, text: str) -> None:
        if text:
            self._count(text)
            self._texts.append(text)

    def reasoning(self, text: str) -> None:
        if text:
            self._count(text)
            self._add(Chunk(reasoning=text, usage=self.usage()))

    def open_call(self, index: int, call_id: str, name: str) -> None:
        """Block `index` is a call. Raises EngineError for one call too many."""
        position = len(self._positions)
        if position >= TOOL_CALLS_MAX:
            raise EngineError(f"the engine called over {TOOL_CALLS_MAX} tools at once")
        self._positions[index] = position
        self._silent.add(index)
        self._count(name)
        self._add(Chunk(tool_calls=(ToolDelta(position, call_id, name),), usage=self.usage()))

    def call_arguments(self, index: int, text: str) -> None:
        """A piece of the arguments of the call at `index`. Raises EngineError if there is none."""
        position = self._positions.get(index)
        if position is None:
            raise EngineError("the engine sent arguments of a call that it did not open")
        if text:
            self._silent.discard(index)
            self._count(text)
            delta = ToolDelta(position, arguments=text)
            self._add(Chunk(tool_calls=(delta,), usage=self.usage()))

    def close_block(self, index: int) -> None:
        """A call without arguments has the empty object."""
        if index in self._silent:
            self.call_arguments(index, "{}")

    def count(
        self, prompt: int | None, completion: int | None, *, read: int = 0, written: int = 0
    ) -> None:
        """Tokens as the engine counts them: `read` from its cache and `written` to it are beside
        `prompt`. None: not said."""
        if prompt is not None:
            self._prompt_tokens = prompt + read + written
            self._cached_tokens = read
        if completion is not None:
            self._completion_tokens = completion

    def stop(self, reason: str) -> None:
        self._finish = FINISH.get(reason, "stop")

    def fail(self, said: str, *, passing: bool) -> None:
        """The engine broke off; `passing`: another replica may fare better.

        Raised by the next `take` or `last`, after what came before it was handed on.
        """
        kind = EngineUnavailable if passing and not self._anything() else EngineError
        self._failure = kind(f"the engine broke off: {said}")

    def take(self) -> list[Chunk]:
        """What came since the last call. Raises the failure once there is nothing more."""
        self._flush()
        chunks, self._chunks = self._chunks, []
        if chunks:
            self._begun = True
        elif self._failure is not None:
            raise self._failure
        return chunks

    def usage(self) -> Usage:
        """What the engine counted, or what can be estimated from here."""
        completion = self._completion_tokens
        if completion is None:
            completion = max(self._pieces, round(self._chars / CHARS_PER_TOKEN))
        return Usage(self._prompt_tokens, completion, self._cached_tokens)

    def last(self) -> Chunk:
        """The end of the answer.

        Raises:
            EngineUnavailable: nothing at all had come.
            EngineError: the engine stopped in the middle.
        """
        if self._failure is not None:
            raise self._failure
        if self._finish is None:
            kind = EngineError if self._anything() else EngineUnavailable
            raise kind("the engine ended its stream without a last event")
        return Chunk(finish=self._finish, usage=self.usage())

    def _anything(self) -> bool:
        return bool(self._begun or self._chunks or self._texts)

    def _count(self, text: str) -> None:
        self._pieces += 1
        self._chars += len(text)

    def _flush(self) -> None:
        if self._texts:
            self._chunks.append(Chunk("".join(self._texts), usage=self.usage()))
            self._texts.clear()

    def _add(self, chunk: Chunk) -> None:
        self._flush()
        self._chunks.append(chunk)
