"""A replica that keeps failing is left alone for a while."""

from dataclasses import dataclass

FAILURES_MAX = 5
"""In a row, until it is left alone."""

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 30.0


@dataclass(slots=True)
class Breaker:
    """Closed: requests pass. Open: none pass until a pause is over; then one more failure opens it
    again, for twice as long, and one success closes it."""

    failures: int = 0
    pause_s: float = PAUSE_FIRST_S
    open_until_s: float = 0.0

    def allows(self, now_s: float) -> bool:
        return now_s >= self.open_until_s

    def failed(self, now_s: float, retry_after_s: float | None = None) -> None:
        """Count a failure; `retry_after_s` is how long the engine itself asked to be left alone."""
        self.failures += 1
        if self.failures >= FAILURES_MAX:
            self.open_until_s = now_s + self.pause_s
            self.pause_s = min(self.pause_s * 2, PAUSE_MAX_S)
        if retry_after_s is not None:
            self.open_until_s = max(self.open_until_s, now_s + min(retry_after_s, PAUSE_MAX_S))

    def worked(self) -> None:
        self.failures, self.pause_s, self.open_until_s = 0, PAUSE_FIRST_S, 0.0
