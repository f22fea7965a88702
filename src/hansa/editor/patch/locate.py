"""Where in a file the old lines of a hunk stand: exactly, but for spaces, or nearly."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import pairwise

from hansa.core.errors import Conflict
from hansa.editor.patch.shapes import Hunk

SIMILARITY_MIN = 0.8
"""How alike a place must be at least: the share of characters in lines that are the same, where
lines that are nearly so count by their ratio."""

MARGIN = 0.1
"""A second place that is less than this behind the best one makes the hunk ambiguous."""

SLACK_LINES = 3
PLACES_TRIED_MAX = 24
SHOWN_CHARS = 60
LINES_COMPARED_MAX = 5_000
"""In which a line is sought that resembles one that is not there."""

_DEFINES = re.compile(
    r"(?:[a-z]+ )*(?:def|class|fn|func|function|struct|impl|trait|interface|enum|type|mod) \w"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hunk goes."""

    start: int
    """First line, from 0."""
    end: int
    """Behind the last line."""
    lines: tuple[int | None, ...]
    """For each old line the file's line that it is; None if that line is not there as it was."""
    similarity: float
    exact: bool
    """Whether the lines are the same to the last space."""


def exact_places(lines: Sequence[str], hunk: Hunk) -> list[int]:
    """Where the old lines stand to the last space, lines from 0."""
    return _same(lines, hunk.old, exact=True) if hunk.old else []


def locate(name: str, lines: Sequence[str], hunk: Hunk, expected: int | None) -> Place:
    """Find the one place where `hunk` belongs.

    `expected` is the line (from 0) where a diff's numbers put it, once they have been seen to hold;
    it decides between places that are equally good, and only that.

    Raises:
        Conflict: there is no such place, or more than one; names the nearest.
    """
    if not hunk.old:
        if lines:
            raise Conflict(f"{name}, hunk {hunk.number}: it has no old line that says where it "
                           "goes", hint="give some lines around it")  # fmt: skip
        return Place(0, 0, (), 1, True)
    n = len(hunk.old)
    for exact in (True, False):
        starts = _same(lines, hunk.old, exact=exact)
        if starts:
            start = _one_of(name, hunk, starts, expected)
            place = Place(start, start + n, tuple(range(start, start + n)), 1.0, exact)
            if start != expected:
                _check_twins(name, lines, hunk, place)
            return place
    return _nearly(name, lines, hunk)


def normal(line: str) -> str:
    """A line without its indentation, spaces at its end, and more than one space in a row."""
    return " ".join(line.split())


def _same(lines: Sequence[str], old: Sequence[str], *, exact: bool) -> list[int]:
    if not exact:
        lines, old = [normal(each) for each in lines], [normal(each) for each in old]
        if not any(old):
            return []
    first, wanted = old[0], list(old)
    return [
        start
        for start in range(len(lines) - len(old) + 1)
        if lines[start] == first and list(lines[start : start + len(old)]) == wanted
    ]


def _one_of(name: str, hunk: Hunk, starts: list[int], expected: int | None) -> int:
    if len(starts) == 1:
        return starts[0]
    if expected in starts:
        return expected
    places = ", ".join(str(each + 1) for each in starts[:4]) + (", ..." if len(starts) > 4 else "")
    raise Conflict(
        f"{name}, hunk {hunk.number}: {_sought(hunk)} stands in {len(starts)} places, from lines "
        f"{places} on",
        hint="give more lines around it, so that one place is meant",
    )


def _check_twins(name: str, lines: Sequence[str], hunk: Hunk, place: Place) -> None:
    """A place nearly as good may be what is meant, and have changed since.

    That is so if a diff puts the hunk nearer to it, or if the place found is shifted. A place that
    is the same to the last space is what a block means: it has nothing else to go by.
    """
    if place.exact and (hunk.line is None or place.start == hunk.line - 1):
        return
    at = hunk.line - 1 if hunk.line is not None else place.start
    for other in _places(lines, hunk.old):
        nearer = abs(other.start - at) < abs(place.start - at)
        near = 1 - other.similarity < MARGIN and _is_in_place(lines, hunk, other)
        if other.start != place.start and (
            (nearer and other.similarity >= SIMILARITY_MIN) or (near and not place.exact)
        ):
            raise Conflict(
                f"{name}, hunk {hunk.number}: {_sought(hunk)} stands in line {place.start + 1}, "
                f"but line {other.start + 1}, {other.similarity:.0%} alike, may be meant",
                hint="make the patch again from the file as it is",
            )


def _is_in_place(lines: Sequence[str], hunk: Hunk, place: Place) -> bool:
    """Whether some of the lines there are indented as the hunk has them."""
    return any(
        at is not None and bool(line.strip()) and line.rstrip() == lines[at].rstrip()
        for line, at in zip(hunk.old, place.lines, strict=True)
    )


def _nearly(name: str, lines: Sequence[str], hunk: Hunk) -> Place:
    places = _places(lines, hunk.old)
    where = f"{name}, hunk {hunk.number}: {_sought(hunk)}"
    if not places:
        near = _nearest_line(lines, hunk.old)
        if near is None:
            raise Conflict(f"{where} is not there, nor anything like it")
        raise Conflict(
            f"{where} is not there; the nearest is line {near + 1}, {_shown(lines[near])}",
            hint="give whole lines, as the file has them",
        )
    best, *others = places
    nearest = f"the nearest is line {best.start + 1}, {best.similarity:.0%} alike"
    if best.similarity < SIMILARITY_MIN:
        raise Conflict(f"{where} is not there; {nearest}, and {SIMILARITY_MIN:.0%} are needed")
    for other in others:
        if best.similarity - other.similarity < MARGIN:
            raise Conflict(
                f"{where} is not there, and lines {best.start + 1} ({best.similarity:.0%} alike) "
                f"and {other.start + 1} ({other.similarity:.0%}) are both near it",
                hint="give the lines as they are in the file",
            )
    for line, at in zip(hunk.old, best.lines, strict=True):
        if at is None and _DEFINES.match(normal(line)):
            raise Conflict(f"{where} is not there; {nearest}, but has no line {_shown(line)}")
    return best


def _nearest_line(lines: Sequence[str], old: Sequence[str]) -> int | None:
    """A line, from 0, that resembles the first old one; only to tell of, never to change."""
    sought = next((normal(each) for each in old if each.strip()), "")
    have = [normal(each) for each in lines[:LINES_COMPARED_MAX]]
    close = get_close_matches(sought, have, n=1)
    return have.index(close[0]) if close else None


def _places(lines: Sequence[str], old: Sequence[str]) -> list[Place]:
    """Places that share lines with `old`, the most alike first; those that overlap count once."""
    have, wanted = [normal(each) for each in lines], [normal(each) for each in old]
    where: defaultdict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(have):
        where[line].append(at)
    votes: Counter[int] = Counter()
    for i, line in enumerate(wanted):
        for at in where.get(line, ()) if line else ():
            votes[at - i] += len(line)
    tried = [_aligned(have, wanted, start) for start, _ in votes.most_common(PLACES_TRIED_MAX)]
    found: list[Place] = []
    for place in sorted(tried, key=lambda each: (-each.similarity, each.start)):
        if all(place.end <= each.start or each.end <= place.start for each in found):
            found.append(place)
    return found


def _aligned(have: list[str], wanted: list[str], start: int) -> Place:
    low = max(start - SLACK_LINES, 0)
    window = have[low : start + len(wanted) + SLACK_LINES]
    at: list[int | None] = [None] * len(wanted)
    for block in SequenceMatcher(None, wanted, window, autojunk=False).get_matching_blocks():
        for k in range(block.size):
            at[block.a + k] = low + block.b + k
    _drop_loose_blanks(wanted, at)
    known = [(i, line) for i, line in enumerate(at) if line is not None]
    (head, first), (tail, last) = known[0], known[-1]
    begin = max(first - head, 0)
    end = min(last + len(wanted) - tail, len(have))
    return Place(begin, end, tuple(at), _similarity(have[begin:end], wanted, at, begin), False)


def _drop_loose_blanks(wanted: list[str], at: list[int | None]) -> None:
    """An empty line at either end that is not beside the rest is any empty line."""
    for order in (range(len(at)), range(len(at) - 1, -1, -1)):
        known = [i for i in order if at[i] is not None]
        for i, j in pairwise(known):
            if wanted[i] or (at[j] or 0) - (at[i] or 0) == j - i:
                break
            at[i] = None


def _similarity(
    window: list[str], wanted: list[str], at: Sequence[int | None], begin: int
) -> float:
    taken = {line for line in at if line is not None}
    alike = 0.0
    for i, line in enumerate(wanted):
        guess = _guess(at, i)
        if at[i] is not None:
            alike += len(line)
        elif guess is not None and guess not in taken and 0 <= guess - begin < len(window):
            taken.add(guess)
            ratio = SequenceMatcher(None, line, window[guess - begin], autojunk=False).ratio()
            alike += ratio * (len(line) + len(window[guess - begin])) / 2
    return 2 * alike / max(sum(map(len, wanted)) + sum(map(len, window)), 1)


def _guess(at: Sequence[int | None], i: int) -> int | None:
    """The file's line where old line `i` would be, by the nearest line before it or behind it."""
    for j in range(i - 1, -1, -1):
        if (line := at[j]) is not None:
            return line + i - j
    return next((line - j + i for j, line in enumerate(at) if line is not None), None)


def _sought(hunk: Hunk) -> str:
    first = next((each for each in hunk.old if each.strip()), "an empty line")
    more = len(hunk.old) - 1
    return f"{_shown(first)}" + (f" and {more} more line{'s'[: more > 1]}" if more else "")


def _shown(line: str) -> str:
    line = line.strip()
    return repr(line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}...")
