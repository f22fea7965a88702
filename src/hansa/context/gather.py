"""Plans a completion: what the model sees of the file and the codebase, and when it stops.

The plan of one keystroke begins with the same characters as the plan before it, as long as that
is possible, because an engine reuses its cache only for an unchanged beginning. So the first line
shown and the words searched for change only every `BLOCK_LINES` lines of the file.

Text has LF line endings here; the editor converts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hansa.context import healing
from hansa.context.budget import Limits, fit_lines, share_out
from hansa.wire.requests import Snippet

BLOCK_LINES = 8
"""Prompt and query move on in steps of this many lines."""

LINE_RESERVE_CHARS = 160
"""Kept free for the line being typed, so that its length does not move the start."""

SPARE_HITS = 8
"""Asked for beyond the snippets wanted, since hits in what is shown already are left out."""

SNIPPET_HEAD_CHARS = 40
"""What a prompt spends on naming a snippet, besides its path."""

QUERY_WORDS_MAX = 24
HEADERS_MAX = 3

_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_OPENERS = (":", "{", "(", "[", "=>", "->")


@dataclass(frozen=True, slots=True)
class Document:
    """A file as the editor has it now."""

    path: str
    """Relative to the repository, with forward slashes."""
    text: str


class Found(Protocol):
    """A piece of the codebase that matched; the index's hits are such."""

    @property
    def snippet(self) -> Snippet: ...


Search = Callable[[str, int], Sequence[Found]]
"""Query and most hits wanted; best first."""


@dataclass(frozen=True, slots=True)
class CompletionPlan:
    """What to ask a model for one completion."""

    prefix: str
    typed: str
    """Was cut off the prefix's end; the answer must repeat it first."""
    suffix: str
    snippets: tuple[Snippet, ...]
    multiline: bool
    stop: tuple[str, ...]
    max_tokens: int
    start_line: int
    """First line of the file that the prefix shows, 1-based."""
    query: str
    """What was searched for; empty if nothing was."""


def gather(
    document: Document, cursor: int, search: Search | None, limits: Limits | None = None
) -> CompletionPlan:
    """Plan a completion at `cursor`, a character offset from 0 to the text's length.

    `search` None leaves retrieval out.
    """
    assert 0 <= cursor <= len(document.text)
    limits = limits or Limits()
    shares = share_out(limits)
    before, after = document.text[:cursor], document.text[cursor:]
    start = _prefix_start(before, shares.prefix_chars)
    prefix, typed = healing.cut(before[start:])
    suffix = fit_lines(after, shares.suffix_chars) or after[: shares.suffix_chars]
    first_line = before.count("\n", 0, start) + 1
    last_line = before.count("\n") + 1 + suffix.count("\n")
    query = _query(before, after) if search and limits.snippets_max else ""
    found = search(query, limits.snippets_max + SPARE_HITS) if search and query else ()
    hidden = [
        each.snippet
        for each in found
        if not _is_shown(each.snippet, document.path, first_line, last_line)
    ]
    multiline = wants_more_lines(before, after)
    return CompletionPlan(
        prefix=prefix,
        typed=typed,
        suffix=suffix,
        snippets=_fit(hidden, limits.snippets_max, shares.snippet_chars),
        multiline=multiline,
        stop=_stop(multiline, typed),
        max_tokens=limits.multi_line_tokens if multiline else limits.single_line_tokens,
        start_line=first_line,
        query=query,
    )


def wants_more_lines(before: str, after: str) -> bool:
    """Whether the cursor stands where a block of lines is wanted, not the rest of one line."""
    if after.partition("\n")[0].strip():
        return False
    line = before.rpartition("\n")[2].strip()
    return not line or line.endswith(_OPENERS)


def _prefix_start(before: str, chars_max: int) -> int:
    """Offset of the first line shown; it depends only on the lines above the cursor's."""
    line_start = before.rfind("\n") + 1
    typed_chars = len(before) - line_start
    if typed_chars > LINE_RESERVE_CHARS:
        return _long_line_start(before, line_start, chars_max)
    room = max(chars_max - LINE_RESERVE_CHARS, 0)
    starts = [0, *(match.end() for match in re.finditer("\n", before))]
    fitting = next(i for i, start in enumerate(starts) if line_start - start <= room)
    rounded = -(-fitting // BLOCK_LINES) * BLOCK_LINES
    if rounded >= len(starts):
        rounded = fitting
    return max(starts[rounded], len(before) - chars_max)


def _long_line_start(before: str, line_start: int, chars_max: int) -> int:
    over = len(before) - line_start - chars_max
    if over <= 0:
        return line_start
    return min(line_start + -(-over // LINE_RESERVE_CHARS) * LINE_RESERVE_CHARS, len(before))


def _query(before: str, after: str) -> str:
    """Words of the last whole block of lines above the cursor, and of what encloses its end.

    Near the top of a file there is no whole block yet; the first block below the cursor stands in.
    """
    above = before.split("\n")[:-1]
    block_end = len(above) // BLOCK_LINES * BLOCK_LINES
    if block_end:
        lines = [*_headers(above[:block_end]), *above[block_end - BLOCK_LINES : block_end]]
    else:
        lines = after.split("\n", BLOCK_LINES + 1)[1 : BLOCK_LINES + 1]
    words = _WORD.findall(" ".join(lines))
    return " ".join(list(dict.fromkeys(words))[:QUERY_WORDS_MAX])


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


def _is_shown(snippet: Snippet, path: str, first_line: int, last_line: int) -> bool:
    same = snippet.path == path
    return same and snippet.start_line <= last_line and snippet.end_line >= first_line


def _fit(snippets: Sequence[Snippet], count_max: int, chars_max: int) -> tuple[Snippet, ...]:
    """The best few, cut to whole lines; the least relevant first, nearest to the code last."""
    kept: list[Snippet] = []
    for snippet in snippets[:count_max]:
        chars_max -= SNIPPET_HEAD_CHARS + len(snippet.path)
        text = fit_lines(snippet.text.rstrip("\n"), max(chars_max, 0))
        if text.strip():
            end = snippet.start_line + text.count("\n")
            kept.append(Snippet(snippet.path, snippet.start_line, end, text))
            chars_max -= len(text)
    return tuple(reversed(kept))


def _stop(multiline: bool, typed: str) -> tuple[str, ...]:
    if multiline:
        return ("\n\n\n",)
    return () if "\n" in typed else ("\n",)
