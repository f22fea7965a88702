"""What is wrong is said once, and to who asks by hand each time."""

import pytest

from hansa.core.errors import DeadlineUnmet, EngineUnavailable
from hansa.editor.lsp.trouble import RETRY_S, Trouble


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic_s(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return 0


@pytest.fixture
def said() -> list[str]:
    return []


def test_once_then_silence_with_quiet_retries_until_it_is_over(said: list[str]) -> None:
    watch = Watch()
    trouble = Trouble(watch, said.append)
    away = EngineUnavailable("no node answers", hint="start one with `hansa up`")
    assert trouble.may_try(invoked=False)
    trouble.met(away, invoked=False)
    assert not trouble.may_try(invoked=False)
    assert trouble.may_try(invoked=True)
    watch.seconds = RETRY_S
    assert trouble.may_try(invoked=False)
    trouble.met(away, invoked=False)
    assert said == ["no node answers (start one with `hansa up`)"]
    trouble.over()
    trouble.met(away, invoked=False)
    assert len(said) == 2


def test_who_asks_by_hand_is_told_each_time(said: list[str]) -> None:
    trouble = Trouble(Watch(), said.append)
    for _ in range(2):
        trouble.met(EngineUnavailable("away"), invoked=True)
    assert said == ["away", "away"]


def test_too_slow_once_is_nothing(said: list[str]) -> None:
    trouble = Trouble(Watch(), said.append)
    trouble.met(DeadlineUnmet("too little time"), invoked=False)
    assert (said, trouble.known, trouble.may_try(invoked=False)) == ([], "", True)
