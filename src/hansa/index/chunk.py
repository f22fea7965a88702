"""A file in pieces that mean something: whole definitions, large ones at their members.

Every line of the file is in exactly one chunk, and chunks are in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from hansa.index import headings, languages

CHUNK_LINES_MAX = 60
WINDOW_LINES = 40
"""Of files whose language we cannot parse."""

DEPTH_MAX = 50

LEADS = frozenset({"comment", "line_comment", "block_comment", "attribute_item"})
"""What belongs to the definition right below it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines from `start_line` to `end_line`, 1-based and inclusive."""

    start_line: int
    end_line: int
    symbol: str
    """What it defines, or the definition it is part of; may be empty."""


def chunk(path: str, source: bytes, root: tree_sitter.Node | None = None) -> list[Chunk]:
    """Cut `source` into chunks that cover it; `root` saves parsing it again."""
    lines = count_lines(source)
    if not lines:
        return []
    if headings.is_markdown(path) and (sections := _sections(source)):
        return _cover(sections, lines)
    language = languages.language_of(path)
    if language is None:
        return list(_windows(1, lines, "", WINDOW_LINES))
    cuts = _Cuts(language)
    cuts.visit(root or languages.parse(language, source), "", 0)
    return _cover(cuts.pieces, lines)


def count_lines(source: bytes) -> int:
    """Lines as editors count them, a last one without a newline included."""
    return source.count(b"\n") + (not source.endswith(b"\n") if source else 0)


def _sections(source: bytes) -> list[Chunk]:
    """A piece for each heading, up to the next."""
    found = headings.sections(source)
    after = [each.start_line - 1 for each in found[1:]] + [each.end_line for each in found[-1:]]
    return [Chunk(each.start_line, end, each.name) for each, end in zip(found, after, strict=True)]


class _Cuts:
    """Collects definitions that fit a chunk, and the heads of those that do not."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.pieces: list[Chunk] = []

    def visit(self, node: tree_sitter.Node, scope: str, depth: int) -> None:
        begin, after, leads = 0, node.start_point.row + (node.parent is not None), False
        for child in node.named_children:
            top = child.start_point.row
            if languages.is_definition(self._language, child):
                self._define(child, begin if leads and after == top else top, scope, depth)
            elif depth < DEPTH_MAX and child.end_point.row - top > 1:
                self.visit(child, scope, depth + 1)
            if not (leads and after == top):
                begin = top
            leads = child.type in LEADS and top >= after
            after = languages.end_line(child)

    def _define(self, node: tree_sitter.Node, top: int, scope: str, depth: int) -> None:
        inner = node
        while not languages.name_of(inner) and inner.named_children:
            inner = inner.named_children[-1]
        name = languages.name_of(inner)
        scope = f"{scope}.{name}" if scope and name else scope or name
        start, end = top + 1, languages.end_line(node)
        if end - start < CHUNK_LINES_MAX or depth >= DEPTH_MAX:
            self.pieces.append(Chunk(start, end, scope))
            return
        before = len(self.pieces)
        self.visit(inner, scope, depth + 1)
        members = self.pieces[before:]
        head_end = members[0].start_line - 1 if members else end
        if head_end >= start:
            self.pieces.insert(before, Chunk(start, head_end, scope))


def _cover(pieces: list[Chunk], lines: int) -> list[Chunk]:
    """Fill what lies between definitions, cut what is too long, let nothing overlap."""
    chunks: list[Chunk] = []
    line = 1
    for piece in sorted(pieces, key=lambda each: (each.start_line, each.end_line)):
        start, end = max(piece.start_line, line), min(piece.end_line, lines)
        if start > end:
            continue
        chunks += _windows(line, start - 1, "", CHUNK_LINES_MAX)
        chunks += _windows(start, end, piece.symbol, CHUNK_LINES_MAX)
        line = end + 1
    chunks += _windows(line, lines, "", CHUNK_LINES_MAX)
    return chunks


def _windows(start: int, end: int, symbol: str, size: int) -> Iterator[Chunk]:
    """As few windows of at most `size` lines as there can be, of about equal length."""
    lines = end - start + 1
    count = -(-lines // size)
    for n in range(count):
        first, last = start + lines * n // count, start + lines * (n + 1) // count - 1
        yield Chunk(first, last, symbol)
