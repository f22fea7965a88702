"""How much each API key may still use. A request reserves what it may need, then settles.

All of it happens on one event loop without waiting in between, so nothing is counted twice or lost.
"""

from collections.abc import Mapping

import msgspec

from hansa.accounts.keys import ApiKey
from hansa.accounts.tiers import Tier, TierLimits
from hansa.core.clock import Clock
from hansa.core.errors import RateLimited, SpendLimit
from hansa.core.money import format_usd
from hansa.core.months import month_end_ms, month_of
from hansa.wire.requests import Usage

SWEEP_INTERVAL_S = 60.0
"""How often keys that are at rest are forgotten."""

HELD_RETRY_S = 2.0
"""When to try again while requests under way hold the rest of a month's limit."""

ROUNDING_S = 1e-6
"""A wait shorter than this is none."""


class Level(msgspec.Struct, frozen=True):
    """Where one limit stands."""

    limit: int
    remaining: int
    reset_s: float
    """Until all of it is free again, if nothing more is asked."""


class Standing(msgspec.Struct, frozen=True):
    """Where a key stands; None for what is not limited."""

    requests: Level | None
    tokens: Level | None


class Bucket:
    """Holds a minute's worth and fills up evenly. What was used beyond it is owed."""

    __slots__ = ("_at_s", "_level", "limit")

    def __init__(self, limit: int, now_s: float) -> None:
        self.limit = limit
        self._level = float(limit)
        self._at_s = now_s

    def level(self, now_s: float) -> float:
        grown = (now_s - self._at_s) * self.limit / 60
        self._level = min(float(self.limit), self._level + grown)
        self._at_s = now_s
        return self._level

    def wait_s(self, amount: float, now_s: float) -> float:
        """Until `amount` can be taken; 0: now."""
        return max(0.0, (amount - self.level(now_s)) * 60 / self.limit)

    def take(self, amount: float, now_s: float) -> None:
        """Take `amount`, or give it back if it is negative."""
        self._level = min(float(self.limit), self.level(now_s) - amount)

    def standing(self, now_s: float) -> Level:
        level = self.level(now_s)
        return Level(self.limit, max(0, int(level)), (self.limit - level) * 60 / self.limit)


class _Account:
    """One key's buckets, and what its open leases hold."""

    __slots__ = ("held_nanousd", "leases", "requests", "tokens")

    def __init__(self, limits: TierLimits, now_s: float) -> None:
        self.requests = _bucket(limits.requests_per_minute, now_s)
        self.tokens = _bucket(limits.tokens_per_minute, now_s)
        self.leases = 0
        self.held_nanousd = 0

    def at_rest(self, now_s: float) -> bool:
        buckets = (each for each in (self.requests, self.tokens) if each)
        return not self.leases and all(each.level(now_s) >= each.limit for each in buckets)

    def standing(self, now_s: float) -> Standing:
        return Standing(
            self.requests.standing(now_s) if self.requests else None,
            self.tokens.standing(now_s) if self.tokens else None,
        )


class Lease:
    """What one request holds until it is settled."""

    __slots__ = ("_account", "_amount_nanousd", "_key", "_limits", "_month", "_open", "_tokens")

    def __init__(
        self, limits: "Limits", key: str, account: _Account, tokens: int, amount_nanousd: int
    ) -> None:
        self._limits, self._key, self._account = limits, key, account
        self._tokens, self._amount_nanousd = tokens, amount_nanousd
        self._month = limits.month
        self._open = True
        account.leases += 1
        account.held_nanousd += amount_nanousd

    def settle(self, usage: Usage, amount_nanousd: int) -> None:
        """Give back what was reserved and count what was used; only the first time."""
        if not self._open:
            return
        self._open = False
        account = self._account
        account.leases -= 1
        account.held_nanousd -= self._amount_nanousd
        if account.tokens:
            used = usage.prompt_tokens + usage.completion_tokens
            account.tokens.take(used - self._tokens, self._limits.now_s())
        self._limits.spend(self._key, self._month, amount_nanousd)

    def release(self) -> None:
        """Nothing was used; the request itself still counts."""
        self.settle(Usage(), 0)


class Limits:
    """The limits of one node, for the keys whose tier has some."""

    def __init__(self, tiers: Mapping[Tier, TierLimits], clock: Clock) -> None:
        self._tiers = {tier: limits for tier, limits in tiers.items() if limits.any()}
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._swept_s = clock.monotonic_s()
        self._spent: dict[str, int] = {}
        self.month = ""
        self._month_end_ms = 0
        self._turn_month()

    def of(self, tier: Tier) -> TierLimits | None:
        """The limits of a tier; None if it has none."""
        return self._tiers.get(tier)

    def load(self, month: str, spent_nanousd: Mapping[str, int]) -> None:
        """Take in what keys spent in `month` before this node started."""
        if month == self.month:
            self._spent = dict(spent_nanousd)

    def spent(self, key_id: str) -> int:
        """Nano-dollars spent this month."""
        self._turn_month()
        return self._spent.get(key_id, 0)

    def reserve(self, key: ApiKey, tokens: int, amount_nanousd: int) -> Lease:
        """Hold what a request of `key` may use; its tier has limits.

        A request larger than a whole minute's tokens has to wait for all of them, and what it uses
        beyond is owed.

        Args:
            tokens: of prompt and answer, as estimated.
            amount_nanousd: the most it can cost.

        Raises:
            SpendLimit: it could cost more than is left of the month's limit.
            RateLimited: too many requests or tokens in this minute.
        """
        limits = self._tiers[key.tier]
        now_s = self.now_s()
        self._sweep(now_s)
        account = self._accounts.get(key.id)
        if account is None:
            account = self._accounts[key.id] = _Account(limits, now_s)
        if limits.monthly_spend_nanousd:
            self._check_spend(key, account, limits.monthly_spend_nanousd, amount_nanousd)
        held = min(tokens, limits.tokens_per_minute)
        _check_bucket("requests", account.requests, 1, now_s, key.tier)
        _check_bucket("tokens", account.tokens, held, now_s, key.tier)
        if account.requests:
            account.requests.take(1, now_s)
        if account.tokens:
            account.tokens.take(held, now_s)
        return Lease(self, key.id, account, held, amount_nanousd)

    def standing(self, key: ApiKey) -> Standing:
        """Where a key whose tier has limits stands now."""
        now_s = self.now_s()
        account = self._accounts.get(key.id)
        return (account or _Account(self._tiers[key.tier], now_s)).standing(now_s)

    def spend(self, key_id: str, month: str, amount_nanousd: int) -> None:
        """Count what a request that began in `month` cost."""
        self._turn_month()
        if month == self.month and amount_nanousd:
            self._spent[key_id] = self._spent.get(key_id, 0) + amount_nanousd

    def now_s(self) -> float:
        return self._clock.monotonic_s()

    def _check_spend(self, key: ApiKey, account: _Account, limit: int, amount: int) -> None:
        spent = self.spent(key.id)
        if spent + amount > limit:
            error = SpendLimit(
                f"this API key has spent {format_usd(spent)} of its {format_usd(limit)} this "
                f"month, and this request may cost {format_usd(amount)}",
                hint="ask for fewer tokens, wait for the next month, or have the tier changed",
            )
            error.retry_after_s = (self._month_end_ms - self._clock.now_ms()) / 1000
            raise error
        if spent + account.held_nanousd + amount > limit:
            error = RateLimited(
                "the rest of this API key's month is held by its requests under way",
                hint="try again when they have ended",
            )
            error.retry_after_s = HELD_RETRY_S
            raise error

    def _turn_month(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms >= self._month_end_ms:
            self.month, self._month_end_ms = month_of(now_ms), month_end_ms(now_ms)
            self._spent = {}

    def _sweep(self, now_s: float) -> None:
        if now_s - self._swept_s < SWEEP_INTERVAL_S:
            return
        self._swept_s = now_s
        self._accounts = {
            key: account for key, account in self._accounts.items() if not account.at_rest(now_s)
        }


def _check_bucket(what: str, bucket: Bucket | None, amount: int, now_s: float, tier: Tier) -> None:
    wait_s = bucket.wait_s(amount, now_s) if bucket else 0.0
    if bucket is None or wait_s < ROUNDING_S:
        return
    error = RateLimited(
        f"this API key may use {bucket.limit} {what} a minute in its tier {tier}",
        hint=f"try again in {wait_s:.1f} s",
    )
    error.retry_after_s = wait_s
    raise error


def _bucket(limit: int, now_s: float) -> Bucket | None:
    return Bucket(limit, now_s) if limit else None
