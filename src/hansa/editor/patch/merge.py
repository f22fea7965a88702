"""Makes the new text of a file from its text and the hunks for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from hansa.core.errors import Conflict
from hansa.editor.patch.conflicts import Gathering
from hansa.editor.patch.locate import Place, exact_places, locate
from hansa.editor.patch.shapes import Hunk, join_lines, split_lines

BOM = "\ufeff"

_LEFT_OUT = re.compile(
    r"\s*(?:#|//|/\*|<!--|--)?\s*(?:\.\.\.|\N{HORIZONTAL ELLIPSIS})[^\n]*"
    r"\b(?:existing|unchanged|remaining|rest of|same as|other)\b[^\n]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Splice:
    """The file's lines from `start` to before `end` become `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]
    hunk: int


def merge(name: str, text: str, hunks: Sequence[Hunk]) -> str:
    """`text` with every hunk in its place; line endings, a BOM and the last newline stay.

    Raises:
        Conflict: a hunk has no place, several, or changes lines that are not as it says; all such
            hunks are named.
    """
    mark, text = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    if mark and hunks and hunks[0].old and hunks[0].old[0].startswith(BOM):
        mark, text = "", BOM + text
    crlf = _is_crlf(text)
    if crlf and not any("\r" in line for each in hunks for line in (*each.old, *each.new)):
        return mark + _merge(name, text.replace("\r\n", "\n"), hunks).replace("\n", "\r\n")
    return mark + _merge(name, text, hunks)


def merge_whole(name: str, text: str, new: str) -> str:
    """`new` in the form of `text`: its line endings, its BOM, its last newline or none.

    Raises:
        Conflict: `new` says of a part that it stays as it is instead of giving it.
    """
    known = set(text.replace("\r\n", "\n").split("\n"))
    for number, line in enumerate(new.replace("\r\n", "\n").split("\n"), 1):
        if _LEFT_OUT.fullmatch(line) and line not in known:
            raise Conflict(f"{name}: line {number} of the new text, {line.strip()!r}, stands for "
                           "text that was left out", hint="give the whole file")  # fmt: skip
    made = new.removeprefix(BOM)
    if _is_crlf(text):
        made = made.replace("\r\n", "\n").replace("\n", "\r\n")
    elif "\r" not in text:
        made = made.replace("\r\n", "\n")
    newline = "\r\n" if _is_crlf(text) else "\n"
    if text and text != BOM:
        made = made.rstrip("\r\n") + newline if text.endswith("\n") else made.removesuffix(newline)
    return (BOM if text.startswith(BOM) else "") + (made if new.strip("\r\n") else "")


def _is_crlf(text: str) -> bool:
    count = text.count("\n")
    return count > 0 and text.count("\r\n") == count == text.count("\r")


def _merge(name: str, text: str, hunks: Sequence[Hunk]) -> str:
    lines, ends = split_lines(text)
    shift = _shift(lines, hunks)
    splices: list[_Splice] = []
    refused = Gathering()
    ends_new = ends
    for hunk in hunks:
        expected = None if shift is None or hunk.line is None else hunk.line - 1 + shift
        with refused.going_on():
            place = locate(name, lines, hunk, expected)
            splices += _splices(name, lines, hunk, place)
            if hunk.new_ends is not None:
                _check_end(name, lines, hunk, place, ends=ends)
                ends_new = hunk.new_ends
    splices.sort(key=lambda each: (each.start, each.end))
    for before, after in pairwise(splices):
        with refused.going_on():
            _check_apart(name, before, after)
    refused.check()
    for each in reversed(splices):
        lines[each.start : each.end] = each.lines
    return join_lines(lines, ends_new)


def _check_end(name: str, lines: list[str], hunk: Hunk, place: Place, *, ends: bool) -> None:
    if place.end != len(lines) or (lines and ends != hunk.old_ends):
        raise Conflict(f"{name}, hunk {hunk.number}: by the patch the file ends there, "
                       "with its last newline or without, and it does not")  # fmt: skip


def _check_apart(name: str, before: _Splice, after: _Splice) -> None:
    if after.start < before.end or (before.start == after.start and before.hunk != after.hunk):
        raise Conflict(f"{name}, hunks {before.hunk} and {after.hunk} change the same lines")


def _shift(lines: Sequence[str], hunks: Sequence[Hunk]) -> int | None:
    """By how many lines a diff's numbers are off, if its hunks agree on that; else None."""
    if any(hunk.line is None for hunk in hunks):
        return None
    places = [(hunk.line or 0, exact_places(lines, hunk)) for hunk in hunks]
    if all(line - 1 in starts for line, starts in places):
        return 0
    shifts = [starts[0] - line + 1 for line, starts in places if len(starts) == 1]
    return shifts[0] if len(shifts) > 1 and len(set(shifts)) == 1 else None


def _splices(name: str, lines: list[str], hunk: Hunk, place: Place) -> list[_Splice]:
    new = _fitted(name, lines, hunk, place)
    found: list[_Splice] = []
    matcher = SequenceMatcher(None, hunk.old, hunk.new, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        if kind == "insert":
            start = end = _between(name, hunk, place, i)
        else:
            start, end = _span(name, hunk, place, i, i_end)
        found.append(_Splice(start, end, tuple(new[j:j_end]), hunk.number))
    return found


def _span(name: str, hunk: Hunk, place: Place, i: int, i_end: int) -> tuple[int, int]:
    """The file's lines that are old lines `i` to `i_end`; all have to be there."""
    at = place.lines[i:i_end]
    start = at[0]
    if start is None or at != tuple(range(start, start + len(at))):
        lost = next((k for k, each in enumerate(at) if each is None), 0)
        raise Conflict(
            f"{name}, hunk {hunk.number}: it changes {hunk.old[i + lost].strip()!r}, which is not "
            f"there as it was; the nearest is line {place.start + 1}, {place.similarity:.0%} alike",
            hint="make the patch again from the file as it is",
        )
    return start, start + len(at)


def _between(name: str, hunk: Hunk, place: Place, i: int) -> int:
    """Where lines go that come before old line `i`."""
    before = place.lines[i - 1] if i else None
    after = place.lines[i] if i < len(place.lines) else None
    if before is not None and after is not None and before + 1 == after:
        return after
    if not place.lines:
        return 0
    if (before is None) == (after is None):
        raise Conflict(f"{name}, hunk {hunk.number}: the lines around what it adds have changed "
                       f"near line {place.start + 1}, {place.similarity:.0%} alike",
                       hint="make the patch again from the file as it is")  # fmt: skip
    return before + 1 if before is not None else after or 0


def _fitted(name: str, lines: list[str], hunk: Hunk, place: Place) -> list[str]:
    """The new lines with the indentation and the line endings of the place."""
    if place.exact:
        return list(hunk.new)
    pairs = [
        (_indent(line), _indent(lines[at]))
        for line, at in zip(hunk.old, place.lines, strict=True)
        if at is not None and line.strip()
    ]
    known = [at for at in place.lines if at is not None]
    cr = "\r" if known and all(lines[at].endswith("\r") for at in known) else ""
    kept = set(hunk.old)
    return [
        (line if line in kept else _indented(name, hunk, line, pairs)).removesuffix("\r") + cr
        for line in hunk.new
    ]


def _indented(name: str, hunk: Hunk, line: str, pairs: list[tuple[str, str]]) -> str:
    if not line.strip() or all(theirs == ours for theirs, ours in pairs):
        return line
    indent = _indent(line)
    body = line[len(indent) :]
    added = {ours.removesuffix(theirs) for theirs, ours in pairs if ours.endswith(theirs)}
    if len(added) == 1 and all(ours.endswith(theirs) for theirs, ours in pairs):
        return added.pop() + line
    taken = {theirs.removesuffix(ours) for theirs, ours in pairs if theirs.endswith(ours)}
    if len(taken) == 1 and all(theirs.endswith(ours) for theirs, ours in pairs):
        gone = taken.pop()
        if indent.startswith(gone):
            return line.removeprefix(gone)
    same = {ours for theirs, ours in pairs if theirs == indent}
    if len(same) == 1:
        return same.pop() + body
    raise Conflict(f"{name}, hunk {hunk.number}: how {body[:60]!r} is to be indented cannot be "
                   "told from the lines around it", hint="indent it as in the file")  # fmt: skip


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
