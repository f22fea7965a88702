"""What the code around a cursor is about: words to search for, lines to understand.

It changes only every `BLOCK_LINES` lines of the file, so that the plan of one keystroke is the plan
of the next, and the engine's cache of the prompt holds.
"""

import re
from dataclasses import dataclass

BLOCK_LINES = 8
"""Prompt and query move on in steps of this many lines."""

QUERY_WORDS_MAX = 24
HEADERS_MAX = 3

_WORD = re.compile(r"[A-Za-z_]\w{2,}")


@dataclass(frozen=True, slots=True)
class Focus:
    query: str
    """Words to search the codebase for."""
    block: tuple[str, ...]
    """The lines it is about, in the order of the file."""

    @classmethod
    def of(cls, before: str, after: str) -> "Focus":
        """Of the last whole block of lines above the cursor, and of what encloses its end.

        Near the top of a file there is no whole block yet; the first one below stands in.
        """
        above = before.split("\n")[:-1]
        block_end = len(above) // BLOCK_LINES * BLOCK_LINES
        if block_end:
            block = above[block_end - BLOCK_LINES : block_end]
            lines = [*_headers(above[:block_end]), *block]
        else:
            block = lines = after.split("\n", BLOCK_LINES + 1)[1 : BLOCK_LINES + 1]
        words = list(dict.fromkeys(_WORD.findall(" ".join(lines))))
        return cls(" ".join(words[:QUERY_WORDS_MAX]), tuple(block))


def words_of(text: str) -> frozenset[str]:
    """The distinct identifiers of a text."""
    return frozenset(_WORD.findall(text))


def _headers(lines: list[str]) -> list[str]:
    """Lines that are indented less and less going up from the last: what encloses it."""
    written = [line for line in lines if line.strip()]
    if not written:
        return []
    headers: list[str] = []
    depth = _indent(written[-1])
    for line in reversed(written[:-1]):
        if depth == 0 or len(headers) == HEADERS_MAX:
            break
        if _indent(line) < depth:
            headers.append(line)
            depth = _indent(line)
    return headers


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
