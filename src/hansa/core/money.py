"""Money as integer nano-dollars, so that parts add up to their whole exactly."""

import re
from collections.abc import Mapping
from typing import NewType

from hansa.core.errors import ConfigError

NanoUsd = NewType("NanoUsd", int)
"""10^-9 US dollars."""

NANO_PER_USD = 1_000_000_000
TOKENS_PER_PRICE = 1_000_000

_DECIMAL = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")


def parse_usd(text: str) -> NanoUsd:
    """Read a decimal dollar amount such as "1.80"; no float is involved.

    Raises:
        ConfigError: not a plain non-negative decimal of at most nine places.
    """
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise ConfigError(f"{text!r} is no dollar amount", hint='write it like "1.80"')
    whole, fraction = match.group(1), match.group(2) or ""
    return NanoUsd(int(whole) * NANO_PER_USD + int(fraction.ljust(9, "0")))


def format_usd(amount: int) -> str:
    """Write nano-dollars as dollars with nine places: `1` is "$0.000000001"."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), NANO_PER_USD)
    return f"{sign}${whole}.{fraction:09d}"


def price_tokens(tokens: int, price_nanousd_per_mtok: int) -> NanoUsd:
    """Price `tokens` at a price per 1,000,000 tokens, rounded half to even."""
    whole, rest = divmod(tokens * price_nanousd_per_mtok, TOKENS_PER_PRICE)
    half = TOKENS_PER_PRICE // 2
    round_up = rest > half or (rest == half and whole % 2 == 1)
    return NanoUsd(whole + round_up)


def split_by_shares(amount: int, shares: Mapping[str, int]) -> dict[str, NanoUsd]:
    """Split `amount` in proportion to integer `shares` by the largest remainder.

    The parts add up to `amount` exactly. Equal remainders are settled by name, so every member
    computes the same split.

    Raises:
        ValueError: negative amount or share, or no positive share.
    """
    total = sum(shares.values())
    if amount < 0 or total <= 0 or any(share < 0 for share in shares.values()):
        raise ValueError("an amount and its shares must not be negative, nor all shares zero")
    parts = {name: divmod(amount * share, total) for name, share in shares.items()}
    left = amount - sum(whole for whole, _ in parts.values())
    by_remainder = sorted(parts, key=lambda name: (-parts[name][1], name))
    lucky = set(by_remainder[:left])
    return {name: NanoUsd(whole + (name in lucky)) for name, (whole, _) in parts.items()}
