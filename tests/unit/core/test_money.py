from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import ConfigError
from hansa.core.money import format_usd, parse_usd, price_tokens, split_by_shares

AMOUNTS = st.integers(min_value=0, max_value=10**18 - 1)
SHARES = st.dictionaries(st.text(max_size=8), st.integers(0, 10**6), min_size=1, max_size=12)


@given(AMOUNTS)
def test_dollars_are_read_back_as_written(amount: int) -> None:
    assert parse_usd(format_usd(amount).removeprefix("$")) == amount


def test_dollars_as_people_write_them() -> None:
    assert parse_usd("1.80") == 1_800_000_000
    assert parse_usd("0") == 0
    assert format_usd(-1) == "-$0.000000001"


@pytest.mark.parametrize(
    "text", ["", "-1", "1.", ".5", "1e3", "1,5", "0.0000000001", "\u0661", " 1"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no dollar amount"):
        parse_usd(text)


@given(st.integers(0, 10**9), st.integers(0, 10**12))
def test_prices_round_half_to_even(tokens: int, price: int) -> None:
    exact = Decimal(tokens) * Decimal(price) / Decimal(1_000_000)
    assert price_tokens(tokens, price) == int(exact.to_integral_value(ROUND_HALF_EVEN))


@given(AMOUNTS, SHARES)
def test_parts_add_up_to_their_whole(amount: int, shares: dict[str, int]) -> None:
    if not sum(shares.values()):
        with pytest.raises(ValueError, match="must not be"):
            split_by_shares(amount, shares)
        return
    parts = split_by_shares(amount, shares)
    total = sum(shares.values())
    assert sum(parts.values()) == amount
    for name, part in parts.items():
        assert amount * shares[name] // total <= part <= amount * shares[name] // total + 1
        assert shares[name] or not part


@given(AMOUNTS, SHARES.filter(lambda shares: sum(shares.values()) > 0))
def test_the_order_of_shares_does_not_matter(amount: int, shares: dict[str, int]) -> None:
    turned = dict(reversed(shares.items()))
    assert split_by_shares(amount, shares) == split_by_shares(amount, turned)


def test_ties_go_by_name() -> None:
    assert split_by_shares(2, {"c": 1, "b": 1, "a": 1}) == {"a": 1, "b": 1, "c": 0}


@pytest.mark.parametrize(("amount", "shares"), [(-1, {"a": 1}), (1, {"a": -1, "b": 2}), (1, {})])
def test_negative_parts_are_a_mistake(amount: int, shares: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must not be"):
        split_by_shares(amount, shares)
