"""Months."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.core.months import check_month, month_end_ms, month_of


@given(st.integers(0, 4_000_000_000_000))
def test_a_month_ends_where_the_next_one_begins(at_ms: int):
    end_ms = month_end_ms(at_ms)
    assert at_ms < end_ms <= at_ms + 31 * 86_400_000
    assert month_of(at_ms) == month_of(end_ms - 1)
    assert month_of(end_ms) > month_of(at_ms)


def test_months_are_those_of_utc():
    last = dt.datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=dt.UTC)
    assert month_of(int(last.timestamp() * 1000)) == "2026-12"
    assert month_of(month_end_ms(int(last.timestamp() * 1000))) == "2027-01"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-1", "26-01", "2026-01-01", "2026-01\n"]
)
def test_what_is_no_month_is_refused(text: str):
    with pytest.raises(UserError, match="is no month"):
        check_month(text)
    assert check_month("2026-11") == "2026-11"
