"""One edit that is proposed."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rename", "argument", "repeat", "model"]


@dataclass(frozen=True, slots=True)
class NextEdit:
    """A line to replace."""

    path: str
    line: int
    """1-based."""
    old: str
    new: str
    kind: Kind
    why: str
    """In words: `sum is called total now`."""
