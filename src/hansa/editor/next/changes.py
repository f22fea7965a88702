"""What was edited: lines as they were and as they are."""

import difflib
from dataclasses import dataclass

LINES_MAX = 20_000
"""A longer file is not looked at."""


@dataclass(frozen=True, slots=True)
class Change:
    """Some lines that took the place of others; both starts are 1-based."""

    old_start: int
    old: tuple[str, ...]
    new_start: int
    new: tuple[str, ...]

    def pairs(self) -> list[tuple[int, str, int, str]]:
        """Old line and its number, new line and its number, where there are as many of both."""
        if len(self.old) != len(self.new):
            return []
        return [
            (self.old_start + number, old, self.new_start + number, new)
            for number, (old, new) in enumerate(zip(self.old, self.new, strict=True))
        ]


def changes(before: str, now: str) -> list[Change]:
    """From `before` to `now`, in the order of lines."""
    old, new = before.split("\n"), now.split("\n")
    if max(len(old), len(new)) > LINES_MAX:
        return []
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    matcher = difflib.SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
    return [
        Change(
            head + i1 + 1, tuple(old[head + i1 : head + i2]),
            head + j1 + 1, tuple(new[head + j1 : head + j2]),
        )
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]  # fmt: skip


def _same(one: list[str], other: list[str]) -> int:
    """How many items both begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
