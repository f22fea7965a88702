"""Whose requests a candidate answers in another model's place, and whether it does worse.

Nothing here is live: `answer.trials` keeps the figures.
"""

import hashlib
import math
import statistics
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hansa.wire.requests import Task

SESSION_S = 900
"""A caller stays with one model for so long, then it is drawn anew."""

TIMES_KEPT = 1000
"""Of each task and arm; the newest."""

SLACK_MS = 10.0
"""Nobody notices less, so so much slower is no slower."""

Z = 3.0
"""How far apart shares have to be, in standard errors. They are looked at again and again, so
once in 740 comparisons by chance, not once in twenty."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A candidate on trial."""

    model: str
    """The live one, whose place it takes."""
    candidate: str
    share: float
    """Of callers and sessions."""
    requests: int
    """It is judged once both have answered so many; for failures, once the candidate has."""
    latency_ratio: float
    """It may take so many times as long as the live model, at the median and at p95."""
    acceptance_drop: float
    """So much less of what it suggests may be accepted, as a share."""


def drawn(rule: Rule, caller: str, now_ms: int) -> bool:
    """Whether the candidate answers `caller` in this quarter of an hour.

    The quarters of callers begin at different times, so that they do not all change at once.
    """
    begins_s = _number(f"{rule.candidate}\0{caller}") % SESSION_S
    session = (now_ms // 1000 + begins_s) // SESSION_S
    return _number(f"{rule.candidate}\0{caller}\0{session}") < rule.share * 2**64


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


@dataclass(slots=True)
class Times:
    """Of one task, in milliseconds."""

    first: deque[float] = field(default_factory=lambda: deque(maxlen=TIMES_KEPT))
    """Until the first text; for whoever left before, how long they waited at least."""
    whole: deque[float] = field(default_factory=lambda: deque(maxlen=TIMES_KEPT))
    """Of answers that came to their end."""


@dataclass(slots=True)
class Arm:
    """What one of the two models did for callers that either could have answered."""

    requests: int = 0
    failed: int = 0
    shown: int = 0
    """Suggestions of which an editor told what became of them."""
    accepted: int = 0
    times: dict[Task, Times] = field(default_factory=dict[Task, Times])


def worse(rule: Rule, live: Arm, candidate: Arm) -> str:
    """In which way the candidate is worse by more than the rule allows; empty if in none."""
    return (
        _fails(rule, live, candidate)
        or _rejected(rule, live, candidate)
        or next(_slower(rule, live, candidate), "")
    )


def _fails(rule: Rule, live: Arm, candidate: Arm) -> str:
    """Does not wait for the live model, which may get nothing for long: what it has not been asked
    yet counts as answered, so that a candidate that fails is not spared for want of a comparison.
    """
    usual = max(live.requests, rule.requests)
    if candidate.requests < rule.requests or not _apart(
        usual - live.failed, usual, candidate.requests - candidate.failed, candidate.requests
    ):
        return ""
    return (
        f"{candidate.failed} of {candidate.requests} requests failed, "
        f"{live.failed} of {live.requests} with {rule.model}"
    )


def _rejected(rule: Rule, live: Arm, candidate: Arm) -> str:
    if min(live.shown, candidate.shown) < rule.requests:
        return ""
    ours, theirs = candidate.accepted / candidate.shown, live.accepted / live.shown
    apart = _apart(live.accepted, live.shown, candidate.accepted, candidate.shown)
    if theirs - ours <= rule.acceptance_drop or not apart:
        return ""
    return (
        f"{100 * ours:.1f} % of {candidate.shown} suggestions were accepted, "
        f"{100 * theirs:.1f} % of {live.shown} with {rule.model}"
    )


def _slower(rule: Rule, live: Arm, candidate: Arm) -> Iterator[str]:
    for task, ours in candidate.times.items():
        theirs = live.times.get(task, Times())
        for what, slow, usual in (
            ("to the first text", ours.first, theirs.first),
            ("in all", ours.whole, theirs.whole),
        ):
            if min(len(slow), len(usual)) < rule.requests:
                continue
            for name, a, b in (
                ("median", statistics.median(slow), statistics.median(usual)),
                ("p95", p95(slow), p95(usual)),
            ):
                if a > max(rule.latency_ratio * b, b + SLACK_MS):
                    yield f"{task} takes {a:.0f} ms {what} ({name}), {b:.0f} ms with {rule.model}"


def p95(values: Iterable[float]) -> float:
    """Nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(0.95 * len(ordered)) - 1)] if ordered else 0.0


def _apart(usual_good: int, usual_of: int, good: int, of: int) -> bool:
    """Whether a share is lower than usual by more than chance: a two-proportion z test."""
    if not usual_of or not of:
        return False
    pooled = (usual_good + good) / (usual_of + of)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / usual_of + 1 / of))
    return spread > 0 and (usual_good / usual_of - good / of) / spread > Z
