"""The headings of a Markdown file, each with the section below it."""

import re
from collections.abc import Iterator

from hansa.index.languages import NAME_CHARS_MAX, Symbol

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*(?:[ \t]#+[ \t]*)?\r?$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*\r?$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_BLOCK = re.compile(r" {0,3}(?:[-*+>|]|\d+[.)])|\s*\r?$| {4}")
"""What begins no paragraph, and so no heading with a line under it."""


def is_markdown(path: str) -> bool:
    """Whether a path names a Markdown file."""
    return path.lower().endswith((".md", ".markdown"))


def sections(source: bytes) -> list[Symbol]:
    """Each heading with its lines up to the next of its own or a higher rank, in order."""
    lines = source.decode(errors="replace").split("\n")
    count = len(lines) - (not lines[-1])
    found = list(_headings(lines))
    out: list[Symbol] = []
    for n, (line, rank, name) in enumerate(found):
        after = (later for later, its_rank, _ in found[n + 1 :] if its_rank <= rank)
        end = next(after, count + 1) - 1
        out.append(Symbol(name[:NAME_CHARS_MAX], "heading", line, end, line))
    return out


def _headings(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Line, rank and name of each."""
    fence = ""
    for number, line in enumerate(lines, start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        elif (atx := _ATX.match(line)) and atx[2]:
            yield number, len(atx[1]), atx[2]
        elif (under := _SETEXT.match(line)) and number > 1 and _paragraph(lines[number - 2]):
            yield number - 1, 1 if under[1][0] == "=" else 2, lines[number - 2].strip()


def _paragraph(line: str) -> bool:
    return not (_BLOCK.match(line) or _ATX.match(line) or _FENCE.match(line) or _SETEXT.match(line))
