"""The same small change was made more than once: what it was made to elsewhere is next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hansa.editor.next.changes import Change
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.tokens import Token, by_line
from hansa.index.languages import Symbol, outline

TIMES_MIN = 2
"""Made once, a change says nothing about other places."""

TIMES_OF_ONE_MIN = 3
"""For a change of a single token, which may be chance twice."""

AROUND = 2
"""Tokens on each side that must be alike."""

_HEADS = frozenset({"def", "async", "class", "fn", "func", "function", "import", "from", "@"})
"""What begins lines that differ on purpose: definitions, imports and decorators."""


@dataclass(frozen=True, slots=True)
class _Swap:
    """Tokens that were replaced, and what stood around them."""

    left: tuple[str, ...]
    old: tuple[str, ...]
    right: tuple[str, ...]
    new: str
    """As written between what stood around it."""
    names: frozenset[str]
    """That are new with it, and must be known where it is made."""

    @property
    def wanted(self) -> tuple[str, ...]:
        return (*self.left, *self.old, *self.right)


def edits(
    path: str, made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], lines: list[str]
) -> Iterator[NextEdit]:
    """Lines with what has been replaced wherever it was seen so far."""
    old_lines, new_lines = by_line(old), by_line(new)
    counts: dict[_Swap, list[int]] = {}
    for change in made:
        for old_number, _, new_number, line in change.pairs():
            before, after = old_lines.get(old_number, []), new_lines.get(new_number, [])
            if (swap := _swap(before, after, line)) is not None:
                counts.setdefault(swap, []).append(new_number)
    symbols = outline(path, "\n".join(lines).encode()) if counts else []
    for swap, places in counts.items():
        least = TIMES_OF_ONE_MIN if len(swap.old) == 1 else TIMES_MIN
        left = {n: at for n, row in new_lines.items() if (at := _place(swap, row)) is not None}
        if len(places) < least or any(min(places) < n < max(places) for n in left):
            continue  # Some were passed over: it is not made everywhere.
        for number, at in left.items():
            if _known(swap.names, number, new, symbols):
                line, row = lines[number - 1], new_lines[number]
                said = " ".join(swap.old)
                yield NextEdit(
                    path, number, line, _applied(swap, row, at, line), "repeat",
                    f"{said} became {swap.new or 'nothing'} elsewhere",
                )  # fmt: skip


def _swap(before: list[Token], after: list[Token], line: str) -> _Swap | None:
    """The one place where two lines differ, if it may be made elsewhere."""
    if not before or not after or before[0].text in _HEADS or after[0].text in _HEADS:
        return None
    was, now = [each.text for each in before], [each.text for each in after]
    head = _same(was, now)
    tail = _same(was[head:][::-1], now[head:][::-1])
    old, new = before[head : len(was) - tail], after[head : len(after) - tail]
    if was == now or any(each.kind == "text" for each in old):
        return None
    if not old or (new and not any(each.kind in ("name", "attribute") for each in old)):
        return None  # Brackets and constants differ for reasons that are not seen here.
    left = tuple(was[max(0, head - AROUND) : head])
    right = tuple(was[len(was) - tail :][:AROUND])
    text = line[new[0].start : new[-1].end] if new else ""
    known = {each.text for each in before}
    names = frozenset(each.text for each in new if each.kind == "name" and each.text not in known)
    return _Swap(left, tuple(each.text for each in old), right, text, names)


def _place(swap: _Swap, row: list[Token]) -> int | None:
    """Where in a line its old tokens are, if they are there exactly once."""
    if row[0].text in _HEADS:
        return None
    texts, wanted = [each.text for each in row], swap.wanted
    places = [at for at in range(len(texts)) if tuple(texts[at : at + len(wanted)]) == wanted]
    return places[0] + len(swap.left) if len(places) == 1 else None


def _applied(swap: _Swap, row: list[Token], first: int, line: str) -> str:
    start, end = row[first].start, row[first + len(swap.old) - 1].end
    if not swap.new and first:
        start = row[first - 1].end
    return line[:start] + swap.new + line[end:]


def _known(names: frozenset[str], line: int, found: Sequence[Token], symbols: list[Symbol]) -> bool:
    """Whether all of `names` mean something on a line: used in its function, or at the top."""
    functions = [each for each in symbols if each.kind in ("function", "method")]
    around = [each for each in functions if each.start_line <= line <= each.end_line]
    first, last = (around[0].start_line, around[0].end_line) if around else (1, 0)
    inside = {
        number
        for each in functions
        for number in range(each.start_line, each.end_line + 1)
        if not first <= number <= last
    }
    seen = {each.text for each in found if each.line not in inside}
    return names <= seen


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
