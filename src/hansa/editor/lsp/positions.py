"""Places in a text as an editor names them: lines, and columns in the units that were agreed on.

A line ends with LF, CRLF or a lone CR, as the protocol says; form feeds and Unicode's separators
end none. What lies outside a text means the nearest place inside.
"""

import re
from bisect import bisect
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

BEYOND_16_BITS = 0x10000

_END = re.compile(r"\r\n?|\n")


def offset_at(text: str, line: int, column: int, encoding: Encoding) -> int:
    """The character offset of a place; lines and columns count from 0."""
    start, end = line_bounds(text, line)
    return start + _chars(text[start:end], column, encoding)


def position_at(text: str, offset: int, encoding: Encoding) -> tuple[int, int]:
    """Line and column of a character offset."""
    line = line_of(text, offset)
    start, _ = line_bounds(text, line)
    return line, _units(text[start:offset], encoding)


def line_bounds(text: str, line: int) -> tuple[int, int]:
    """Where a line begins, and where its ending does."""
    start = 0
    if "\r" not in text:
        for _ in range(line):
            start = text.find("\n", start) + 1
            if not start:
                return len(text), len(text)
        end = text.find("\n", start)
        return start, len(text) if end < 0 else end
    for count, match in enumerate(_END.finditer(text)):
        if count == line:
            return start, match.start()
        start = match.end()
    return (start, len(text)) if line == line_count(text) - 1 else (len(text), len(text))


def line_of(text: str, offset: int) -> int:
    """The number of the line an offset is in."""
    return _ends(text[:offset])


def line_count(text: str) -> int:
    """Lines as an editor counts them: an empty text has one."""
    return _ends(text) + 1


def as_lf(text: str) -> str:
    """`text` with LF line endings."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def newline_of(text: str) -> str:
    """The line ending of the first line; LF if it has none."""
    match = _END.search(text)
    return match[0] if match else "\n"


def differing(old: str, new: str) -> tuple[int, int]:
    """How many characters two texts have in common before what differs, and how many behind it.

    A CRLF is not cut in two.
    """
    short = min(len(old), len(new))
    start = bisect(range(1, short + 1), False, key=lambda n: old[:n] != new[:n])
    if start and old[start - 1] == "\r":
        start -= 1
    behind = bisect(range(1, short - start + 1), False,
                    key=lambda n: old[-n:] != new[-n:])  # fmt: skip
    cut = old[-behind - 1 :][:1], new[-behind - 1 :][:1]
    if behind and old[-behind] == "\n" and "\r" in cut:
        behind -= 1
    return start, behind


def _ends(text: str) -> int:
    if "\r" not in text:
        return text.count("\n")
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _chars(line: str, column: int, encoding: Encoding) -> int:
    """Characters in the first `column` units; one that is cut in two is not counted."""
    if encoding == "utf-32" or line.isascii():
        return min(column, len(line))
    for count, char in enumerate(line):
        column -= _units(char, encoding)
        if column < 0:
            return count
    return len(line)


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(ord(char) >= BEYOND_16_BITS for char in text)
    return len(text.encode("utf-8", "surrogatepass"))
