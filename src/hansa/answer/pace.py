"""How long replicas take until they begin to answer, for deciding when to ask a second one."""

from collections import deque

SAMPLES_KEPT = 128
SAMPLES_MIN = 20
"""Fewer say nothing about a replica's 95th percentile."""


class Pace:
    """The latest times to the first chunk, by replica; bounded."""

    def __init__(self) -> None:
        self._first_s: dict[str, deque[float]] = {}

    def note(self, replica: str, first_s: float) -> None:
        """`replica` began to answer after `first_s` seconds."""
        self._first_s.setdefault(replica, deque(maxlen=SAMPLES_KEPT)).append(first_s)

    def slow_s(self, replica: str) -> float | None:
        """Its 95th percentile, in seconds; None while too little is known."""
        known = self._first_s.get(replica)
        if known is None or len(known) < SAMPLES_MIN:
            return None
        return sorted(known)[int(len(known) * 0.95)]
