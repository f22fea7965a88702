"""The same small change was made more than once: what it was made to elsewhere is next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hansa.editor.next.changes import Change
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.tokens import Token, by_line

TIMES_MIN = 2
"""Made once, a change says nothing about other places."""

OLD_TOKENS_MIN = 2
"""What is replaced, with what stands around it, must be this much to be told from chance."""

AROUND = 2
"""Tokens on each side that must be alike."""


@dataclass(frozen=True, slots=True)
class _Swap:
    """Tokens that were replaced, and what stood around them."""

    left: tuple[str, ...]
    old: tuple[str, ...]
    right: tuple[str, ...]
    new: str
    """As written between what stood around it."""


def edits(
    path: str, made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], lines: list[str]
) -> Iterator[NextEdit]:
    """Lines with what has been replaced at least `TIMES_MIN` times."""
    old_lines, new_lines = by_line(old), by_line(new)
    counts: dict[_Swap, int] = {}
    for change in made:
        for old_number, _, new_number, line in change.pairs():
            before, after = old_lines.get(old_number, []), new_lines.get(new_number, [])
            if (swap := _swap(before, after, line)) is not None:
                counts[swap] = counts.get(swap, 0) + 1
    swaps = {swap for swap, times in counts.items() if times >= TIMES_MIN}
    for swap in swaps:
        for number, row in new_lines.items():
            line = lines[number - 1]
            if (changed := _applied(swap, row, line)) is not None:
                said = " ".join(swap.old) or "nothing"
                yield NextEdit(path, number, line, changed, "repeat",
                               f"{said} became {swap.new or 'nothing'} elsewhere")  # fmt: skip


def _swap(before: list[Token], after: list[Token], line: str) -> _Swap | None:
    was, now = [each.text for each in before], [each.text for each in after]
    head = _same(was, now)
    tail = _same(was[head:][::-1], now[head:][::-1])
    old, new = was[head : len(was) - tail], after[head : len(after) - tail]
    left = tuple(was[max(0, head - AROUND) : head])
    right = tuple(was[len(was) - tail :][:AROUND])
    if was == now or any(each.kind == "text" for each in before[head : len(was) - tail]):
        return None
    if len(old) < OLD_TOKENS_MIN and len(left) + len(right) < AROUND + 1:
        return None
    text = line[new[0].start : new[-1].end] if new else ""
    return _Swap(left, tuple(old), right, text)


def _applied(swap: _Swap, row: list[Token], line: str) -> str | None:
    """The line with the swap made in it, if its old tokens are there exactly once."""
    wanted = (*swap.left, *swap.old, *swap.right)
    texts = [each.text for each in row]
    places = [at for at in range(len(texts)) if tuple(texts[at : at + len(wanted)]) == wanted]
    if len(places) != 1 or not swap.old:
        return None
    first = places[0] + len(swap.left)
    start, end = row[first].start, row[first + len(swap.old) - 1].end
    if not swap.new and first:
        start = row[first - 1].end
    return line[:start] + swap.new + line[end:]


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
