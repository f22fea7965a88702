from itertools import count

import pytest


class StepClock:
    """Each look at it is a tenth of a second later."""

    def __init__(self) -> None:
        self._steps = count()

    def now_ms(self) -> int:
        return next(self._steps) * 100

    def monotonic_s(self) -> float:
        return next(self._steps) / 10


@pytest.fixture
def clock() -> StepClock:
    return StepClock()
