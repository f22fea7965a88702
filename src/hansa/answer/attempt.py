"""One request at one replica, while it lasts."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from hansa.answer.closing import Granted, Progress
from hansa.answer.recent import Outcome
from hansa.core.money import NanoUsd
from hansa.routing.choose import Considered
from hansa.wire.requests import Chunk, Request, Usage

Settled = Callable[[Usage, NanoUsd], None]
"""Is told what an attempt used and what that costs."""


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
    first: Chunk | None = None
    replica: str = ""
    """Who serves it; a peer may take another replica than the one routing wished for."""
    outcome: Outcome = "cancelled"
    error: str = ""
    """Code of what broke it off, if something did."""
    closed: bool = False
    """Whether its receipt is written, or being written."""
    holds_place: bool = False
    """Whether it has a place at the gate that it must give back."""
