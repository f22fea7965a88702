"""Tiers: what a key that belongs to one may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hansa.core import settings
from hansa.core.money import format_usd, parse_usd

Tier = Literal["free", "pro", "team"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True, slots=True)
class TierLimits:
    """Of each key; 0 means: no limit."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    monthly_spend_nanousd: int = 0

    def any(self) -> bool:
        """Whether there is a limit at all."""
        return bool(
            self.requests_per_minute or self.tokens_per_minute or self.monthly_spend_nanousd
        )

    def words(self) -> tuple[str, str, str]:
        """Requests a minute, tokens a minute, dollars a month, as a person reads them."""
        dollars, _, parts = format_usd(self.monthly_spend_nanousd).partition(".")
        money = f"{dollars}.{parts.rstrip('0'):0<2}"
        return (
            str(self.requests_per_minute or "no limit"),
            str(self.tokens_per_minute or "no limit"),
            money if self.monthly_spend_nanousd else "no limit",
        )


def limits_of(tiers: settings.Tiers) -> Mapping[Tier, TierLimits]:
    """The limits that are configured; settings were checked when they were read."""
    return {name: _limits(getattr(tiers, name)) for name in TIERS}


def _limits(tier: settings.TierSettings) -> TierLimits:
    return TierLimits(
        tier.requests_per_minute, tier.tokens_per_minute, parse_usd(str(tier.monthly_spend_usd))
    )
