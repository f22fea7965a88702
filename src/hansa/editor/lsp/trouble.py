"""Says once what is wrong, and is then quiet until it is right again."""

from collections.abc import Callable

from hansa.core.clock import Clock
from hansa.core.errors import DeadlineUnmet, HansaError

RETRY_S = 2.0
"""While something is wrong, what nobody asked for by hand tries again no more often."""


class Trouble:
    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock, self._say = clock, say
        self._said = ""
        self._again_s = 0.0

    @property
    def known(self) -> str:
        """What is wrong; empty if nothing is."""
        return self._said

    def may_try(self, *, invoked: bool) -> bool:
        return invoked or not self._said or self._clock.monotonic_s() >= self._again_s

    def met(self, error: HansaError, *, invoked: bool) -> None:
        """Something went wrong; who asked by hand is told each time."""
        if isinstance(error, DeadlineUnmet) and not invoked:
            return  # Too slow this once is nothing to interrupt somebody for.
        text = str(error)
        if invoked or not self._said:
            self._say(text)
        self._said = text
        self._again_s = self._clock.monotonic_s() + RETRY_S

    def over(self) -> None:
        self._said = ""
