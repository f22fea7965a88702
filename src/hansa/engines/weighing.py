"""The best of several fillings: the one after which what follows is the least surprising.

A small model foresees text better than it fills holes. So its likeliest filling, and others that
depart from that at one token, are each put before the suffix, and the model says how likely the
suffix then begins as it does: reranking by a noisy channel. What it gains: docs/log.md.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from msgspec.structs import replace

from hansa.wire.requests import (
    WEIGHED_TOKENS,
    Chunk,
    FinishReason,
    Request,
    Sampling,
    TokenLogprob,
    Usage,
)

ALTERNATIVES = 4
"""Tokens seen at each place, the chosen one among them."""
FOLLOWING_CHARS = 64
"""Of the suffix, more than enough for the tokens that are weighed."""


@dataclass(frozen=True, slots=True)
class Said:
    """One whole answer of an engine."""

    text: str
    finish: FinishReason
    tokens: tuple[TokenLogprob, ...]
    usage: Usage
    slot: int | None
    """Where the engine keeps what it read, if it said so."""


class Says(Protocol):
    async def __call__(
        self, request: Request, *, plain: bool = False, slot: int | None = None
    ) -> Said:
        """Answer, up to a stop string after what the answer has to begin with.

        `plain`: the model is shown the prefix alone, as text that goes on. `slot`: one that has
        read most of it already.
        """
        ...


async def best_filling(says: Says, request: Request) -> AsyncGenerator[Chunk]:
    """Try `best_of` fillings and give the best as one piece; chunks before it only count tokens.

    Tokens of all fillings are counted, and both ways of reading the prompt.
    """
    spent = Usage()
    fillings: list[_Filling] = []
    async for filling, usage in _fillings(says, request):
        spent = _sum(spent, usage)
        if filling.text.rstrip() not in {each.text.rstrip() for each in fillings}:
            fillings.append(filling)
        yield Chunk(usage=spent)
    best, likeliest = fillings[0], float("-inf")
    async for filling, logprob, usage in _weighed(says, request, fillings):
        spent = _sum(spent, usage)
        if logprob > likeliest:
            best, likeliest = filling, logprob
        yield Chunk(usage=spent)
    yield Chunk(best.text, best.finish, spent)


@dataclass(frozen=True, slots=True)
class _Filling:
    text: str
    logprob: float
    """Of all its tokens together."""
    finish: FinishReason = "stop"


async def _fillings(says: Says, request: Request) -> AsyncGenerator[tuple[_Filling, Usage]]:
    """The likeliest, then those that depart from it where that costs least."""
    seen = replace(request.sampling, best_of=1, logprobs=ALTERNATIVES)
    first = await says(replace(request, sampling=seen))
    yield _Filling(first.text, _sum_of(first.tokens), first.finish), first.usage
    for departure in islice(_departures(first, request), request.sampling.best_of - 1):
        yield await _followed(says, request, departure, first.slot)


@dataclass(frozen=True, slots=True)
class _Departure:
    logprob: float
    text: str
    """All that is said up to the other token, and that."""
    tokens: int
    ends: bool
    """The other token is the end."""


def _departures(first: Said, request: Request) -> Iterator[_Departure]:
    """Likeliest first."""
    found: list[_Departure] = []
    said, logprob = "", 0.0
    for place, token in enumerate(first.tokens, start=1):
        if len(said) > len(first.text):
            break
        for other, likely in token.top:
            if other != token.token and _may_follow(said, other, request.begins):
                each = _Departure(logprob + likely, said + other, place, ends=not other)
                found.append(each)
        said, logprob = said + token.token, logprob + token.logprob
    return iter(sorted(found, key=lambda each: -each.logprob))


def _may_follow(said: str, token: str, begins: str) -> bool:
    """It begins as it has to, leaves no begun line empty, and cuts no character in two."""
    text = said + token
    if not text.startswith(begins) or "\ufffd" in token:
        return False
    line = text[len(begins) :].lstrip(" \t")
    return not begins or bool(begins.strip()) or (bool(line) and line[0] not in "\r\n")


async def _followed(
    says: Says, request: Request, departure: _Departure, slot: int | None
) -> tuple[_Filling, Usage]:
    sampling = request.sampling
    left = sampling.max_tokens - departure.tokens
    text = until_stop(departure.text, request.begins, sampling.stop)
    if departure.ends or left < 1 or text != departure.text:
        return _Filling(text, departure.logprob), Usage()
    further = replace(
        request,
        prefix=request.prefix + departure.text,
        begins="",
        sampling=replace(sampling, best_of=1, max_tokens=left, logprobs=0),
    )
    said = await says(further, slot=slot)
    filling = _Filling(
        departure.text + said.text, departure.logprob + _sum_of(said.tokens), said.finish
    )
    return filling, Usage(completion_tokens=said.usage.completion_tokens)


async def _weighed(
    says: Says, request: Request, fillings: list[_Filling]
) -> AsyncGenerator[tuple[_Filling, float, Usage]]:
    """The log-probability of each together with what follows it."""
    following = request.suffix[:FOLLOWING_CHARS]
    slot: int | None = None
    for each in fillings if len(fillings) > 1 else ():
        after = replace(
            request,
            prefix=request.prefix + each.text.rstrip(),
            suffix="",
            begins=following,
            sampling=Sampling(max_tokens=WEIGHED_TOKENS, logprobs=0),
        )
        said = await says(after, plain=True, slot=slot)
        read = said.usage.prompt_tokens if slot is None else 0
        slot = said.slot
        usage = Usage(read, said.usage.completion_tokens)
        yield each, each.logprob + _sum_of(_within(said.tokens, len(following))), usage


def until_stop(text: str, begins: str, stops: tuple[str, ...]) -> str:
    """The text before the first stop string that comes after what it has to begin with."""
    ends = [at for each in stops if (at := text.find(each, len(begins))) >= 0]
    return text[: min(ends)] if ends else text


def _within(tokens: Iterable[TokenLogprob], chars: int) -> Iterator[TokenLogprob]:
    """The tokens that begin in the first `chars`; the suffix may be over before the answer is."""
    seen = 0
    for each in tokens:
        if seen >= chars:
            return
        seen += len(each.token)
        yield each


def _sum_of(tokens: Iterable[TokenLogprob]) -> float:
    return sum(each.logprob for each in tokens)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
    )
