"""Plans a completion: what the model sees of the file and the codebase, and when it stops.

The plan of one keystroke begins with the same characters as the plan before it, as long as that
is possible, because an engine reuses its cache only for an unchanged beginning.

Text has LF line endings here; the editor converts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hansa.context import healing
from hansa.context.budget import Limits, fit_lines, share_out
from hansa.context.candidates import Candidate, Codebase, Document, candidates
from hansa.context.focus import BLOCK_LINES, Focus
from hansa.wire.requests import Snippet

LINE_RESERVE_CHARS = 160
"""Kept free for the line being typed, so that its length does not move the start."""

SNIPPET_HEAD_CHARS = 40
"""What a prompt spends on naming a snippet, besides its path."""

_OPENERS = (":", "{", "(", "[", "=>", "->")


@dataclass(frozen=True, slots=True)
class Considered:
    """A piece of the codebase and what became of it."""

    candidate: Candidate
    verdict: str
    """`shown`, or why it is not."""


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
    considered: tuple[Considered, ...] = ()
    """Best first."""


def gather(
    document: Document, cursor: int, codebase: Codebase | None, limits: Limits | None = None
) -> CompletionPlan:
    """Plan a completion at `cursor`, a character offset from 0 to the text's length.

    `codebase` None: only the file is shown.
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
    asks = codebase is not None and limits.snippets_max > 0
    focus = Focus.of(before, after) if asks else Focus("", ())
    found = candidates(document, focus, codebase) if codebase and asks else []
    shown = range(first_line, last_line + 1)
    snippets, considered = _fit(found, document.path, shown, limits, shares.snippet_chars)
    multiline = wants_more_lines(before, after)
    return CompletionPlan(
        prefix=prefix,
        typed=typed,
        suffix=suffix,
        snippets=snippets,
        multiline=multiline,
        stop=_stop(multiline, typed),
        max_tokens=limits.multi_line_tokens if multiline else limits.single_line_tokens,
        start_line=first_line,
        query=focus.query,
        considered=considered,
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


def _fit(
    found: Sequence[Candidate], path: str, lines: range, limits: Limits, chars_max: int
) -> tuple[tuple[Snippet, ...], tuple[Considered, ...]]:
    """The best few, cut to whole lines; the least relevant first, nearest to the code last."""
    kept: list[Snippet] = []
    considered: list[Considered] = []
    for each in found:
        verdict, snippet = _verdict(each.snippet, path, lines, kept), each.snippet
        if not verdict and len(kept) == limits.snippets_max:
            verdict = f"{limits.snippets_max} are shown already"
        if not verdict:
            room = max(chars_max - SNIPPET_HEAD_CHARS - len(snippet.path), 0)
            text = fit_lines(snippet.text.rstrip("\n"), room)
            if text.strip():
                end = snippet.start_line + text.count("\n")
                kept.append(Snippet(snippet.path, snippet.start_line, end, text))
                chars_max = room - len(text)
            else:
                verdict = "no room is left"
        considered.append(Considered(each, verdict or "shown"))
    return tuple(reversed(kept)), tuple(considered)


def _verdict(snippet: Snippet, path: str, lines: range, kept: Sequence[Snippet]) -> str:
    """Why a piece is not wanted; empty if it is."""
    if snippet.path == path and _meets(snippet, lines.start, lines.stop - 1):
        return "the prompt has these lines already"
    if any(each.path == snippet.path and _meets(snippet, each.start_line, each.end_line)
           for each in kept):  # fmt: skip
        return "another piece has these lines"
    return ""


def _meets(snippet: Snippet, first_line: int, last_line: int) -> bool:
    return snippet.start_line <= last_line and snippet.end_line >= first_line


def _stop(multiline: bool, typed: str) -> tuple[str, ...]:
    if multiline:
        return ("\n\n\n",)
    return () if "\n" in typed else ("\n",)
