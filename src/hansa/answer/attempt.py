"""One request as it came in, and at one replica while it lasts."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

import msgspec

from hansa.answer.closing import Granted, Progress
from hansa.answer.recent import Outcome
from hansa.answer.trials import Drawn
from hansa.core.errors import DeadlineUnmet
from hansa.core.money import NanoUsd
from hansa.routing.choose import Considered
from hansa.wire.requests import Chunk, Request, Usage

Settled = Callable[[Usage, NanoUsd], None]
"""Is told what an attempt used and what that costs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    request: Request
    granted: Granted | None
    account: str
    arrived_s: float
    settled: Settled | None
    until_s: float | None = None
    """Its deadline, by the monotonic clock."""

    def origin(self, here: str) -> str:
        """The member whose developer asks: another one, or `here`."""
        return self.granted.grant.issuer if self.granted else here

    def with_time_left(self, now_s: float) -> "Asked":
        """The same with the deadline counted from now. Raises DeadlineUnmet once it has passed."""
        assert self.until_s is not None
        left_ms = int((self.until_s - now_s) * 1000)
        if left_ms < 1:
            raise DeadlineUnmet("no replica began to answer before the deadline")
        return replace(self, request=msgspec.structs.replace(self.request, deadline_ms=left_ms))


@dataclass(slots=True)
class Attempt:
    """One request at one replica."""

    request: Request
    route: Considered
    reason: str
    budget_ms: int
    number: int
    origin: str
    granted: Granted | None
    account: str
    """Id of the API key that asked; empty for another member's request."""
    stream: AsyncGenerator[Chunk]
    progress: Progress
    arrived_s: float
    settled: Settled | None = None
    until_s: float | None = None
    """When its caller wants it no more, unless it has begun; by the monotonic clock."""
    first: Chunk | None = None
    replica: str = ""
    """Who serves it; a peer may take another replica than the one routing wished for."""
    outcome: Outcome = "cancelled"
    error: str = ""
    """Code of what broke it off, if something did."""
    closed: bool = False
    """Whether its receipt is written, or being written."""
    drawn: Drawn | None = None
    """Its place in a trial of two models, if it has one."""
    holds_place: bool = False
    """Whether it has a place at the gate that it must give back."""
