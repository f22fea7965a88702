"""Tiers as configured."""

import pytest

from hansa.accounts.tiers import TIERS, TierLimits, limits_of
from hansa.core.settings import Tiers, TierSettings


def test_a_team_has_no_limits_unless_they_are_set():
    limits = limits_of(Tiers())
    assert tuple(limits) == TIERS
    assert not limits["team"].any()
    assert limits["free"].any()


def test_dollars_are_read_exactly():
    tiers = Tiers(team=TierSettings(monthly_spend_usd="0.000000001"))
    assert limits_of(tiers)["team"] == TierLimits(0, 0, 1)
    tiers = Tiers(team=TierSettings(5, 6, 20))
    assert limits_of(tiers)["team"] == TierLimits(5, 6, 20_000_000_000)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (TierLimits(), ("no limit", "no limit", "no limit")),
        (TierLimits(1, 2, 20_000_000_000), ("1", "2", "$20.00")),
        (TierLimits(0, 0, 12_500_000_000), ("no limit", "no limit", "$12.50")),
        (TierLimits(0, 0, 1), ("no limit", "no limit", "$0.000000001")),
    ],
)
def test_in_words(limits: TierLimits, words: tuple[str, str, str]):
    assert limits.words() == words
