"""The last requests of a node: who served them and how long it took, never what they said."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from hansa.core.bounds import RECENT_REQUESTS_KEPT
from hansa.wire.requests import Task

Outcome = Literal["served", "cancelled", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Served:
    """One request, as the console and `hansa node status` show it."""

    request: str
    at_ms: int
    task: Task
    origin: str
    server: str
    replica: str
    reason: str
    outcome: Outcome
    budget_ms: int
    duration_ms: float
    first_token_ms: float | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    attempts: int


class Recent:
    """A bounded list, newest first."""

    def __init__(self, limit: int = RECENT_REQUESTS_KEPT) -> None:
        self._entries: deque[Served] = deque(maxlen=limit)

    def add(self, served: Served) -> None:
        self._entries.appendleft(served)

    def list(self, limit: int = RECENT_REQUESTS_KEPT) -> list[Served]:
        return [entry for entry, _ in zip(self._entries, range(limit), strict=False)]
