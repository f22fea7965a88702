"""The last requests of a node: who served them and how long it took, never what they said."""

from collections import deque
from typing import Literal

from hansa.core.bounds import RECENT_REQUESTS_KEPT
from hansa.wire.native import RequestView

Outcome = Literal["served", "cancelled", "failed", "refused"]


class Recent:
    """A bounded list, newest first."""

    def __init__(self, limit: int = RECENT_REQUESTS_KEPT) -> None:
        self._entries: deque[RequestView] = deque(maxlen=limit)

    def add(self, entry: RequestView) -> None:
        self._entries.appendleft(entry)

    def entries(self) -> tuple[RequestView, ...]:
        return tuple(self._entries)
