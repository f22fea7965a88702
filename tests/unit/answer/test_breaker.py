"""A replica that keeps failing is left alone, for longer and longer, and taken back."""

from hansa.answer.breaker import FAILURES_MAX, PAUSE_MAX_S, Breaker
from hansa.answer.pace import SAMPLES_KEPT, SAMPLES_MIN, Pace


def failing(count: int) -> Breaker:
    breaker = Breaker()
    for _ in range(count):
        breaker.failed(100.0)
    return breaker


def test_a_few_failures_are_forgiven():
    assert failing(FAILURES_MAX - 1).allows(100.0)


def test_after_more_it_is_left_alone_for_a_while_and_then_tried_again():
    breaker = failing(FAILURES_MAX)
    assert not breaker.allows(100.9)
    assert breaker.allows(101.0)
    breaker.failed(101.0)
    assert not breaker.allows(102.9)
    assert breaker.allows(103.0)


def test_the_pause_has_an_end():
    breaker = failing(100)
    assert breaker.allows(100.0 + PAUSE_MAX_S)


def test_one_success_closes_it():
    breaker = failing(FAILURES_MAX + 3)
    breaker.worked()
    assert breaker.allows(100.0)
    breaker.failed(100.0)
    assert breaker.allows(100.0)


def test_an_engine_that_says_when_to_come_back_is_left_alone_until_then():
    breaker = Breaker()
    breaker.failed(100.0, retry_after_s=7.0)
    assert not breaker.allows(106.9)
    assert breaker.allows(107.0)
    breaker.failed(107.0, retry_after_s=1e9)
    assert breaker.allows(107.0 + PAUSE_MAX_S)


def test_the_pace_is_known_after_some_samples_and_of_the_latest_ones():
    pace = Pace()
    for _ in range(SAMPLES_MIN - 1):
        pace.note("a/r", 0.1)
    assert pace.slow_s("a/r") is None
    pace.note("a/r", 0.1)
    assert pace.slow_s("a/r") == 0.1
    assert pace.slow_s("b/r") is None
    for number in range(SAMPLES_KEPT):
        pace.note("a/r", number / 100)
    assert pace.slow_s("a/r") == 1.21
