"""Limits: never more than the tier allows, nothing counted twice, nothing lost."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.accounts.limits import SWEEP_INTERVAL_S, Lease, Limits
from hansa.accounts.tiers import TierLimits
from hansa.core.errors import RateLimited, SpendLimit
from hansa.core.months import month_end_ms
from hansa.wire.requests import Usage

from .conftest import NOW_MS, FakeClock, a_key

DOLLAR = 1_000_000_000


def limits(clock: FakeClock, requests: int = 0, tokens: int = 0, spend: int = 0) -> Limits:
    return Limits({"pro": TierLimits(requests, tokens, spend)}, clock)


def tokens_left(made: Limits) -> float:
    level = made.standing(a_key()).tokens
    assert level
    return level.remaining


def test_a_tier_without_limits_is_none(clock: FakeClock):
    made = Limits({"team": TierLimits(), "pro": TierLimits(1)}, clock)
    assert made.of("team") is None
    assert made.of("pro") == TierLimits(1)


def test_requests_of_a_minute_are_counted_and_come_back(clock: FakeClock):
    made = limits(clock, requests=3)
    for _ in range(3):
        made.reserve(a_key(), 1, 0).release()
    with pytest.raises(RateLimited, match="3 requests a minute in its tier pro") as caught:
        made.reserve(a_key(), 1, 0)
    assert caught.value.retry_after_s == pytest.approx(20)
    assert (caught.value.status, caught.value.retryable) == (429, True)
    clock.advance(20)
    made.reserve(a_key(), 1, 0)
    standing = made.standing(a_key())
    assert standing.requests
    assert (standing.requests.limit, standing.requests.remaining) == (3, 0)
    assert standing.requests.reset_s == pytest.approx(60)
    assert standing.tokens is None


def test_one_key_does_not_use_up_another_ones(clock: FakeClock):
    made = limits(clock, requests=1)
    made.reserve(a_key("key-1"), 1, 0)
    made.reserve(a_key("key-2"), 1, 0)
    with pytest.raises(RateLimited):
        made.reserve(a_key("key-1"), 1, 0)


def test_what_was_reserved_and_not_used_is_given_back(clock: FakeClock):
    made = limits(clock, tokens=1000)
    lease = made.reserve(a_key(), 800, 0)
    with pytest.raises(RateLimited, match="1000 tokens a minute"):
        made.reserve(a_key(), 300, 0)
    lease.settle(Usage(50, 10), 0)
    assert tokens_left(made) == 940
    lease.settle(Usage(500, 100), 0)
    lease.release()
    assert tokens_left(made) == 940


def test_what_was_used_beyond_the_estimate_is_owed(clock: FakeClock):
    made = limits(clock, tokens=600)
    made.reserve(a_key(), 600, 0).settle(Usage(900, 300), 0)
    assert tokens_left(made) == 0
    with pytest.raises(RateLimited) as caught:
        made.reserve(a_key(), 1, 0)
    assert caught.value.retry_after_s == pytest.approx(60.1)
    clock.advance(60.1)
    made.reserve(a_key(), 1, 0)


def test_a_request_larger_than_a_minute_waits_for_all_of_it(clock: FakeClock):
    made = limits(clock, tokens=100)
    made.reserve(a_key(), 5000, 0).settle(Usage(90, 10), 0)
    assert tokens_left(made) == 0
    with pytest.raises(RateLimited) as caught:
        made.reserve(a_key(), 5000, 0)
    assert caught.value.retry_after_s == pytest.approx(60)


def test_what_is_refused_takes_nothing(clock: FakeClock):
    made = limits(clock, requests=2, tokens=100)
    made.reserve(a_key(), 100, 0)
    for _ in range(5):
        with pytest.raises(RateLimited, match="tokens"):
            made.reserve(a_key(), 100, 0)
    standing = made.standing(a_key())
    assert standing.requests
    assert standing.requests.remaining == 1


def test_spend_ends_with_the_month(clock: FakeClock):
    made = limits(clock, spend=DOLLAR)
    made.load(made.month, {"key-1": DOLLAR - 10})
    made.reserve(a_key(), 1, 10).settle(Usage(), 10)
    with pytest.raises(SpendLimit, match=r"spent \$1.000000000 of its \$1.000000000") as caught:
        made.reserve(a_key(), 1, 1)
    end_ms = month_end_ms(NOW_MS)
    assert caught.value.retry_after_s == (end_ms - NOW_MS) / 1000
    assert (caught.value.status, caught.value.retryable) == (429, False)
    clock.time_ms = end_ms
    made.reserve(a_key(), 1, 1).settle(Usage(), 1)
    assert made.spent("key-1") == 1
    assert made.month == "2026-12"


def test_a_request_that_began_last_month_counts_there(clock: FakeClock):
    made = limits(clock, spend=DOLLAR)
    lease = made.reserve(a_key(), 1, 100)
    clock.time_ms = month_end_ms(NOW_MS)
    lease.settle(Usage(), 100)
    assert made.spent("key-1") == 0


def test_sums_of_another_month_are_not_taken_in(clock: FakeClock):
    made = limits(clock, spend=DOLLAR)
    made.load("2026-10", {"key-1": DOLLAR})
    assert made.spent("key-1") == 0


def test_requests_under_way_hold_what_they_may_cost(clock: FakeClock):
    made = limits(clock, spend=100)
    first = made.reserve(a_key(), 1, 60)
    with pytest.raises(RateLimited, match="under way") as caught:
        made.reserve(a_key(), 1, 60)
    assert not isinstance(caught.value, SpendLimit)
    assert caught.value.retry_after_s
    first.settle(Usage(), 20)
    made.reserve(a_key(), 1, 60)


def test_keys_at_rest_are_forgotten(clock: FakeClock):
    made = limits(clock, requests=1000, tokens=1000)
    held = made.reserve(a_key("busy"), 1, 0)
    for number in range(500):
        made.reserve(a_key(f"key-{number}"), 1, 0).release()
    assert len(made._accounts) == 501
    clock.advance(SWEEP_INTERVAL_S)
    made.reserve(a_key("new"), 1, 0).release()
    assert set(made._accounts) == {"busy", "new"}
    held.release()


async def test_hundreds_at_once_get_no_more_than_there_is(clock: FakeClock):
    made = limits(clock, requests=200, tokens=10_000, spend=5_000)
    granted: list[tuple[int, int]] = []
    dice = random.Random(7)

    async def ask(tokens: int, cost: int) -> None:
        try:
            lease = made.reserve(a_key(), tokens, cost)
        except RateLimited:
            return
        try:
            for _ in range(dice.randrange(5)):
                await asyncio.sleep(0)
            if dice.random() < 0.3:
                raise asyncio.CancelledError
        finally:
            lease.settle(Usage(tokens // 2), cost)
            granted.append((tokens // 2, cost))

    asked = [ask(dice.randrange(1, 100), dice.randrange(1, 60)) for _ in range(800)]
    await asyncio.gather(*asked, return_exceptions=True)
    assert 0 < len(granted) <= 200
    assert tokens_left(made) == 10_000 - sum(tokens for tokens, _ in granted)
    assert made.spent("key-1") == sum(cost for _, cost in granted) <= 5_000
    account = made._accounts["key-1"]
    assert (account.leases, account.held_nanousd) == (0, 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 300), st.integers(0, 50)),
        st.tuples(st.just("settle"), st.integers(0, 100), st.integers(0, 100)),
        st.tuples(st.just("wait"), st.integers(0, 90), st.just(0)),
    ),
    max_size=80,
)


@given(STEPS)
def test_in_any_order_use_stays_within_the_limits(steps: list[tuple[str, int, int]]):
    """All that was reserved fits a full minute and what grew since; money is never overspent."""
    clock = FakeClock()
    made = limits(clock, requests=10, tokens=500, spend=400)
    open_leases: list[tuple[Lease, int, int]] = []
    used: dict[str, float] = {"requests": 0, "tokens": 0, "spent": 0}
    for step, first, second in steps:
        if step == "reserve":
            try:
                lease = made.reserve(a_key(), first, second)
            except RateLimited:
                continue
            open_leases.append((lease, min(first, 500), second))
            used["requests"] += 1
        elif step == "settle" and open_leases:
            lease, tokens, amount = open_leases.pop(first % len(open_leases))
            tokens, amount = tokens * second // 100, amount * second // 100
            lease.settle(Usage(tokens), amount)
            used["tokens"] += tokens
            used["spent"] += amount
        elif step == "wait":
            clock.advance(first)
        elapsed_s = clock.monotonic_s() - 1000
        held = sum(tokens for _, tokens, _ in open_leases)
        assert used["requests"] <= 10 + elapsed_s * 10 / 60 + 1e-6
        assert used["tokens"] + held <= 500 + elapsed_s * 500 / 60 + 1e-6
        assert used["spent"] + sum(amount for *_, amount in open_leases) <= 400
        assert made.spent("key-1") == used["spent"]


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), max_size=30))
def test_once_all_is_settled_only_what_was_used_is_missing(asked: list[tuple[int, int]]):
    clock = FakeClock()
    made = limits(clock, tokens=1_000_000)
    leases: list[Any] = [made.reserve(a_key(), estimate, 0) for estimate, _ in asked]
    for lease, (_, used) in zip(leases, asked, strict=True):
        lease.settle(Usage(used), 0)
    assert not asked or tokens_left(made) == 1_000_000 - sum(used for _, used in asked)
