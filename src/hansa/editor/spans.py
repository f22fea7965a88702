"""Which lines of a file an instruction means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from hansa.core.errors import UserError
from hansa.editor.document import line_count

SPAN_CHARS_MAX = 2_400
"""A model with 2,048 tokens of context must read the span and write it once more."""

WHOLE_FILE_LINES_MAX = 40

KNOWN_NAMED_MAX = 8

_POINTERS = frozenset({"function", "method", "class", "def", "in", "inside", "of", "to", "for"})
_WORD = re.compile(r"[^\W\d]\w*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of a file, counted from 1, both included."""

    start_line: int
    end_line: int
    name: str = ""
    """Of the function or class; empty for lines chosen by hand."""

    def cut(self, text: str) -> tuple[str, str, str]:
        """What stands before, in and behind the span; LF text."""
        lines = text.split("\n")
        ends = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
        first, last = self.start_line - 1, self.end_line
        return "".join(ends[:first]), "".join(ends[first:last]), "".join(ends[last:])


class Outlined(Protocol):
    """A function or class of a file; the index's symbols are such."""

    @property
    def name(self) -> str: ...
    @property
    def start_line(self) -> int: ...
    @property
    def end_line(self) -> int: ...


def choose_span(
    name: str,
    text: str,
    instruction: str,
    symbols: Sequence[Outlined],
    by_hand: tuple[int, int] | None = None,
) -> Span:
    """The span `instruction` speaks of, unless lines are given by hand.

    Raises:
        UserError: none is meant, lines outside the file, or too much to rewrite.
    """
    if by_hand:
        span = check_lines(name, text, by_hand)
    else:
        span = _by_words(name, text, instruction, symbols)
    chars = len(span.cut(text)[1])
    if chars > SPAN_CHARS_MAX:
        raise UserError(
            f"lines {span.start_line}-{span.end_line} of {name} have {chars} characters; "
            f"at most {SPAN_CHARS_MAX} are rewritten at once",
            hint="choose fewer with --lines A-B",
        )
    return span


def check_lines(name: str, text: str, lines: tuple[int, int]) -> Span:
    """Lines chosen by hand, as a span; raises UserError if they are not in the file."""
    span = Span(*lines)
    if span.end_line > line_count(text):
        raise UserError(f"{name} has {line_count(text)} lines; line {span.end_line} is outside")
    return span


def _by_words(name: str, text: str, instruction: str, symbols: Sequence[Outlined]) -> Span:
    words = _WORD.findall(instruction)
    # Of equal matches the smallest wins, so that a method is chosen before its class.
    scored = [
        (_score(each.name, words), _named_around(each, symbols, set(words)), -_size(each), each)
        for each in symbols
    ]
    best = max(scored, key=lambda row: row[:3], default=None)
    if best and best[0]:
        return Span(best[3].start_line, best[3].end_line, best[3].name)
    if line_count(text) <= WHOLE_FILE_LINES_MAX:
        return Span(1, max(line_count(text), 1))
    known = ", ".join(dict.fromkeys(each.name for each in symbols[:KNOWN_NAMED_MAX]))
    raise UserError(
        f"the instruction names nothing that {name} defines",
        hint=f"say which: {known}; or choose lines with --lines A-B"
        if known
        else "choose lines with --lines A-B",
    )


def _score(symbol: str, words: Sequence[str]) -> float:
    """How surely `words` name `symbol`; 0 if they do not.

    The first word is what to do ("add a docstring to total"), so it names nothing.
    """
    symbol = symbol.rpartition(".")[2]
    pairs = list(pairwise(words))
    if any(word == symbol and before.lower() in _POINTERS for before, word in pairs):
        return 3
    if any(word == symbol for _, word in pairs):
        return 2
    lowered = {word.lower() for _, word in pairs}
    if symbol.lower() in lowered:
        return 1.5
    parts = [part.lower() for part in _PARTS.findall(symbol)]
    return 1 if len(parts) > 1 and all(part in lowered for part in parts) else 0


def _named_around(inner: Outlined, symbols: Sequence[Outlined], words: set[str]) -> bool:
    return any(
        each.name.rpartition(".")[2] in words
        and each.start_line <= inner.start_line
        and inner.end_line <= each.end_line
        and _size(each) > _size(inner)
        for each in symbols
    )


def _size(symbol: Outlined) -> int:
    return symbol.end_line - symbol.start_line
