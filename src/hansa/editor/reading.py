"""Reads an answer as it streams and times it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hansa.core.clock import Clock
from hansa.editor.node import Answers
from hansa.editor.plain import plain
from hansa.wire.requests import FinishReason, Request, TokenLogprob, Usage

Enough = Callable[[str], bool]
"""Whether the text so far is all that is needed."""

SoFar = Callable[[str, str, Sequence[TokenLogprob]], None]
"""The request's id, and the text and its tokens up to now."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and how."""

    text: str
    request_id: str
    route: str
    reason: str
    latency_ms: float
    """From asking to the last character read."""
    ttft_ms: float
    """To the first character."""
    finish: FinishReason | None
    """None if reading was stopped early."""
    usage: Usage | None
    """As far as it was read; None if the engine had not counted by then."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """If they were asked for."""


async def read(
    answers: Answers,
    request: Request,
    clock: Clock,
    *,
    enough: Enough = lambda _: False,
    show: Callable[[str], None] = lambda _: None,
    so_far: SoFar | None = None,
) -> Reply:
    """Ask and read to the end, or until `enough`; `show` is given each piece as it comes."""
    started_s = clock.monotonic_s()
    text = ""
    first_s: float | None = None
    finish, usage = None, None
    logprobs: list[TokenLogprob] = []
    async with answers.answer(request) as answer:
        async for chunk in answer.chunks:
            if piece := plain(chunk.text):
                first_s = clock.monotonic_s() if first_s is None else first_s
                text += piece
                show(piece)
            finish, usage = chunk.finish, chunk.usage or usage
            logprobs += chunk.logprobs
            if so_far is not None:
                so_far(answer.request_id, text, logprobs)
            if finish or enough(text):
                break
        ended_s = clock.monotonic_s()
    return Reply(
        text=text,
        request_id=answer.request_id,
        route=plain(answer.route),
        reason=plain(answer.reason),
        latency_ms=(ended_s - started_s) * 1000,
        ttft_ms=((ended_s if first_s is None else first_s) - started_s) * 1000,
        finish=finish,
        usage=usage,
        logprobs=tuple(logprobs),
    )
