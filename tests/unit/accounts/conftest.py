"""A clock that tests set, and keys that are in no file."""

from dataclasses import dataclass

import pytest

from hansa.accounts.keys import ApiKey
from hansa.accounts.scopes import Scope
from hansa.accounts.tiers import Tier

NOW_MS = 1_795_000_000_000
"""2026-11-18 11:06 UTC."""


@dataclass
class FakeClock:
    time_ms: int = NOW_MS
    monotonic: float = 1000.0

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_s(self) -> float:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.time_ms += int(seconds * 1000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def a_key(name: str = "key-1", tier: Tier = "pro", scope: Scope | None = None) -> ApiKey:
    return ApiKey(name, name, tier, "0" * 64, NOW_MS, scope)
