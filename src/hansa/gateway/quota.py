"""What a key may still use: estimated before a request, said in each dialect's headers."""

import datetime as dt
from typing import Literal

from msgspec.structs import replace

from hansa.accounts.keys import ApiKey
from hansa.accounts.limits import Lease, Level, Limits, Standing
from hansa.answer.admit import BEST_OF_MAX, CHOICES_MAX
from hansa.core.bounds import COMPLETION_TOKENS_MAX
from hansa.core.clock import Clock
from hansa.core.errors import RateLimited, SpendLimit
from hansa.league.chain import Chain
from hansa.ledger.receipts import price
from hansa.routing.demand import prompt_tokens
from hansa.wire.requests import ANY_MODEL, Request

Dialect = Literal["openai", "anthropic"]
"""How rate limits are written; Mistral's and Hansa's own are as OpenAI's."""


class Quota:
    """Joins the limits of keys with the charter's prices."""

    def __init__(self, limits: Limits, chain: Chain, clock: Clock) -> None:
        self._limits = limits
        self._chain = chain
        self._clock = clock

    def reserve(self, key: ApiKey, request: Request, dialect: Dialect) -> Lease | None:
        """Hold what `request` may use; None if the key's tier has no limits.

        Raises:
            RateLimited: with the headers of `dialect`.
        """
        limits = self._limits.of(key.tier)
        if limits is None:
            return None
        prompt, most = prompt_tokens(request), _tokens_max(request)
        amount = self._price(request, prompt, most) if limits.monthly_spend_nanousd else 0
        try:
            return self._limits.reserve(key, prompt + most, amount)
        except RateLimited as error:
            said = self.headers(key, dialect)
            if isinstance(error, SpendLimit):
                said["x-should-retry"] = "false"  # SDKs would ask again before the month ends.
            error.headers = said
            raise

    def headers(self, key: ApiKey, dialect: Dialect) -> dict[str, str]:
        """Where the key stands; its tier has limits."""
        return headers(self._limits.standing(key), dialect, self._clock.now_ms())

    def _price(self, request: Request, prompt: int, most: int) -> int:
        """What the request costs at most, wherever it may be routed."""
        charter = self._chain.current
        if request.model != ANY_MODEL:
            terms = charter.terms(request.model)
            return price(terms, prompt, most) if terms else 0
        return max((price(terms, prompt, most) for terms in charter.models), default=0)


def headers(standing: Standing, dialect: Dialect, now_ms: int) -> dict[str, str]:
    """The rate-limit headers of a dialect.

    Source: OpenAI's "Rate limits" and Anthropic's "Rate limits: response headers".
    """
    levels = {"requests": standing.requests, "tokens": standing.tokens}
    said: dict[str, str] = {}
    for what, level in levels.items():
        if level is not None and dialect == "anthropic":
            said |= _anthropic(what, level, now_ms)
        elif level is not None:
            said |= _openai(what, level)
    return said


def _openai(what: str, level: Level) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{what}": str(level.limit),
        f"x-ratelimit-remaining-{what}": str(level.remaining),
        f"x-ratelimit-reset-{what}": duration(level.reset_s),
    }


def _anthropic(what: str, level: Level, now_ms: int) -> dict[str, str]:
    reset = dt.datetime.fromtimestamp(now_ms / 1000 + level.reset_s, dt.UTC)
    start = f"anthropic-ratelimit-{what}"
    return {
        f"{start}-limit": str(level.limit),
        f"{start}-remaining": str(level.remaining),
        f"{start}-reset": f"{reset:%Y-%m-%dT%H:%M:%SZ}",
    }


def duration(seconds: float) -> str:
    """As OpenAI writes it: `12ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


def _tokens_max(request: Request) -> int:
    """Of all answers together; what no request may ask for is refused later."""
    asked = request.sampling
    return replace(
        asked,
        max_tokens=max(1, min(asked.max_tokens, COMPLETION_TOKENS_MAX)),
        choices=max(1, min(asked.choices, CHOICES_MAX)),
        best_of=max(1, min(asked.best_of, BEST_OF_MAX)),
    ).tokens_max()
