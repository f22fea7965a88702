"""What stands where something private stood: the same for the same value, in one document."""

from collections import Counter
from dataclasses import dataclass, field

_FORMS = {
    "key": "REDACTED-KEY",
    "token": "REDACTED-TOKEN-{n}",
    "password": "REDACTED-{n}",
    "e-mail": "user{n}@example.com",
    "name": "Author {letter}",
    "IP address": "{block}.{last}",
    "IPv6 address": "2001:db8::{n:x}",
}
"""By kind. Addresses are of the ranges for documentation. Source: RFC 2606, RFC 5737, RFC 3849."""

_BLOCKS = ("192.0.2", "198.51.100", "203.0.113")


@dataclass(slots=True)
class Placeholders:
    """Numbers what is replaced in one document, and counts it."""

    replaced: Counter[str] = field(default_factory=Counter[str])
    _given: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _kinds: Counter[str] = field(default_factory=Counter[str])

    def stand_in(self, kind: str, value: str) -> str:
        """What to put where `value` stood."""
        self.replaced[kind] += 1
        if (kind, value) not in self._given:
            self._kinds[kind] += 1
            self._given[kind, value] = _form(kind, self._kinds[kind])
        return self._given[kind, value]


def _form(kind: str, n: int) -> str:
    at = n - 1
    return _FORMS[kind].format(
        n=n, letter=_letters(at), block=_BLOCKS[at // 254 % 3], last=at % 254 + 1
    )


def _letters(at: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    found = ""
    while at >= 0:
        found, at = chr(ord("A") + at % 26) + found, at // 26 - 1
    return found
