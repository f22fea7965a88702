"""The places an answer names, and whether they exist."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hansa.wire.requests import Snippet

CITATIONS_MAX = 50

_NUMBER = re.compile(r"\[(\d{1,3})\]")
_PLACE = re.compile(
    r"(?<![\w/.-])((?:[\w.-]+/)*[\w.-]+\.[A-Za-z]\w{0,9})(?::(\d{1,7})(?:-(\d{1,7}))?)?"
)

LineCount = Callable[[str], int | None]
"""How many lines a file of the codebase has, by its path; None if there is no such file."""


@dataclass(frozen=True, slots=True)
class Citation:
    said: str
    """As the answer names it: `[1]`, `src/app.py:12`."""
    place: str
    """`path:first-last`; empty if it does not exist."""

    @property
    def exists(self) -> bool:
        return bool(self.place)


def citations(text: str, shown: Sequence[Snippet], line_count: LineCount) -> list[Citation]:
    """Every numbered excerpt and every file with a line that `text` names, each once."""
    found: dict[str, Citation] = {}
    for match in _NUMBER.finditer(text):
        number = int(match[1])
        place = _of(shown[number - 1]) if 1 <= number <= len(shown) else ""
        found.setdefault(match[0], Citation(match[0], place))
    names = {each.path.rpartition("/")[2]: each.path for each in shown}
    for match in _PLACE.finditer(text):
        path, first = match[1], match[2]
        known = names.get(path, path)
        lines = line_count(known)
        if lines is None and not first:
            continue  # A word with a dot in it, such as `os.path`, and no claim of a place.
        last = int(match[3] or first or lines or 1)
        exists = lines is not None and 1 <= int(first or 1) <= last <= lines
        place = f"{known}:{first or 1}-{last}" if exists else ""
        found.setdefault(match[0], Citation(match[0], place))
    return list(found.values())[:CITATIONS_MAX]


def _of(snippet: Snippet) -> str:
    return f"{snippet.path}:{snippet.start_line}-{snippet.end_line}"
