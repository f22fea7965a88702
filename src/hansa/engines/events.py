"""What comes back from an engine that speaks OpenAI's API, as one stream of `Chunk`s.

Source: OpenAI API reference, "The chat completion chunk object" and "The completion object".
"""

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.wire.requests import Chunk, FinishReason, Request, TokenLogprob, Usage
from hansa.wire.sse import Event
from hansa.wire.tools import ToolDelta

TOOL_CALLS_MAX = 128
DONE = b"[DONE]"

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class EventReader:
    """Turns the events of one answer into chunks.

    Text that arrives together leaves together: one chunk for each read of the network, not one for
    each token, unless something besides text is in it.
    """

    def __init__(self, request: Request, prompt_tokens_estimate: int) -> None:
        self._choices = request.sampling.choices
        self._estimate = prompt_tokens_estimate
        self._pieces = 0
        self._usage: Usage | None = None
        self._finish: FinishReason | None = None
        self._ended: set[int] = set()
        self._failure: EngineError | None = None
        self.done = False
        """The engine said that this was all."""

    def read(self, events: Iterable[Event]) -> list[Chunk]:
        """The chunks in `events`; `last()` comes after them.

        Raises:
            EngineError: an event that is none, or the engine's own error.
        """
        chunks: list[Chunk] = []
        texts: list[str] = []
        self._raise_failure()
        for event in events:
            if event.data == DONE:
                self.done = True
                break
            try:
                said = _parse(event)
            except EngineError as error:
                if not (chunks or texts):
                    raise
                self._failure = error  # After what came before it was handed on.
                break
            if said.usage is not None:
                self._usage = said.usage.plain()
            for choice in said.choices:
                self._take(choice, chunks, texts)
        if texts:
            chunks.append(Chunk("".join(texts), usage=self.usage()))
        return chunks

    def usage(self) -> Usage:
        """What the engine counted so far, or what can be counted from here: a token a piece."""
        return self._usage or Usage(self._estimate, self._pieces)

    def last(self) -> Chunk:
        """The end of the answer.

        Raises:
            EngineUnavailable: nothing at all had come.
            EngineError: the engine stopped in the middle.
        """
        self._raise_failure()
        if self._finish is None:
            kind = EngineError if self._pieces else EngineUnavailable
            raise kind("the engine ended its stream without a last event")
        return Chunk(finish=self._finish, usage=self.usage())

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self, choice: "_Choice", chunks: list[Chunk], texts: list[str]) -> None:
        delta = choice.delta
        text = choice.text or (delta.content if delta else "") or ""
        if text:
            self._pieces += 1
        plain = self._choices == 1 and choice.logprobs is None
        if plain and (delta is None or delta.is_plain()):
            if text:
                texts.append(text)
        else:
            if texts:
                chunks.append(Chunk("".join(texts), usage=self.usage()))
                texts.clear()
            if (chunk := self._rich(choice, text)) is not None:
                chunks.append(chunk)
        if choice.finish_reason is not None:
            self._end(choice, chunks)

    def _rich(self, choice: "_Choice", text: str) -> Chunk | None:
        delta = choice.delta or _Delta()
        calls = tuple(each.plain() for each in delta.tool_calls or ())
        if any(not 0 <= each.position < TOOL_CALLS_MAX for each in calls):
            raise EngineError(f"the engine called over {TOOL_CALLS_MAX} tools at once")
        reasoning = delta.reasoning_content or delta.reasoning or ""
        if (calls or reasoning) and not text:
            self._pieces += 1
        logprobs = choice.logprobs.plain() if choice.logprobs else ()
        if not (text or calls or logprobs or reasoning):
            return None
        return Chunk(
            text,
            usage=self.usage(),
            choice=choice.index,
            reasoning=reasoning,
            tool_calls=calls,
            logprobs=logprobs,
        )

    def _end(self, choice: "_Choice", chunks: list[Chunk]) -> None:
        finish = _FINISH.get(choice.finish_reason or "", "stop")
        if self._choices == 1:
            self._finish = finish
            return
        if choice.index not in self._ended:
            self._ended.add(choice.index)
            chunks.append(Chunk(choice=choice.index, ends=finish))
        if len(self._ended) == self._choices:
            self._finish = finish


class _TopLogprob(msgspec.Struct):
    token: str
    logprob: float


class _ChatLogprob(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_TopLogprob] | None = None


class _Logprobs(msgspec.Struct):
    """Of either endpoint: chat has `content`, completion the other three."""

    content: list[_ChatLogprob] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None

    def plain(self) -> tuple[TokenLogprob, ...]:
        if self.content:
            return tuple(
                TokenLogprob(
                    each.token,
                    each.logprob,
                    tuple((top.token, top.logprob) for top in each.top_logprobs or ()),
                )
                for each in self.content
            )
        tokens, values = self.tokens or [], self.token_logprobs or []
        tops = self.top_logprobs or [None] * len(tokens)
        return tuple(
            TokenLogprob(token, value or 0.0, _best_first(top or {}))
            for token, value, top in zip(tokens, values, tops, strict=False)
        )


def _best_first(top: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(top.items(), key=lambda item: -item[1]))


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)

    def plain(self) -> ToolDelta:
        function = self.function
        return ToolDelta(self.index, self.id or "", function.name or "", function.arguments or "")


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None

    def is_plain(self) -> bool:
        return not (self.tool_calls or self.reasoning_content or self.reasoning)


class _Choice(msgspec.Struct):
    index: int = 0
    text: str | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None

    def plain(self) -> Usage:
        details = self.prompt_tokens_details
        cached = details.cached_tokens if details else 0
        return Usage(self.prompt_tokens, self.completion_tokens or 0, cached or 0)


class _Said(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Said).decode


def _parse(event: Event) -> _Said:
    try:
        said = _decode(event.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EngineError(f"the engine sent an event that is none: {error}") from error
    if said.error is not None or event.name == "error":
        raise EngineError(f"the engine broke off: {error_text(event.data)}")
    return said


def error_text(body: bytes) -> str:
    """What an engine says went wrong, in at most 300 characters."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")[:300].strip() or "nothing more"
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and name in said:
            said = cast("dict[str, Any]", said)[name]
    return (said if isinstance(said, str) else msgspec.json.encode(said).decode())[:300]
