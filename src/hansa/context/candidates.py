"""Pieces of the codebase that may help at a cursor, each with a score and where it comes from.

Scores are from 0 to 1 and compare across kinds: a definition of a name that stands above the cursor
is worth more than text that merely has words in common.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hansa.context.focus import Focus, words_of
from hansa.index import needs
from hansa.wire.requests import Snippet

Kind = Literal["definition", "edited", "open", "found"]

WEIGHTS: dict[Kind, float] = {"definition": 1.0, "edited": 0.9, "open": 0.8, "found": 0.7}
"""What the best piece of a kind is worth."""

DEFINED_MAX = 3
"""A name that is defined in more places says nothing about which is meant."""

DEFINITIONS_MAX = 8

WINDOW_LINES = 20
"""Open files are compared in pieces of this many lines."""

SIMILAR_MIN = 0.15
"""Jaccard similarity of identifiers below which two pieces of code have nothing in common."""

FOUND_MAX = 9


@dataclass(frozen=True, slots=True)
class Document:
    """A file as the editor has it now."""

    path: str
    """Relative to the repository, with forward slashes."""
    text: str


class Found(Protocol):
    """A piece of the codebase; the index's hits are such."""

    @property
    def snippet(self) -> Snippet: ...


Search = Callable[[str, int], Sequence[Found]]
"""Query and most hits wanted; best first."""

Define = Callable[[str], Sequence[Found]]
"""A name; where it is defined."""


@dataclass(frozen=True, slots=True)
class Codebase:
    """What is known besides the file itself."""

    search: Search | None = None
    define: Define | None = None
    open_files: tuple[Document, ...] = ()
    """The one looked at last comes first."""
    edited: tuple[Snippet, ...] = ()
    """Lines as they are after the latest edits, the latest first."""


@dataclass(frozen=True, slots=True)
class Candidate:
    snippet: Snippet
    kind: Kind
    score: float


def candidates(document: Document, focus: Focus, codebase: Codebase) -> list[Candidate]:
    """All that may be shown, best first; the order is the same whenever the input is."""
    about = words_of(focus.query)
    found = [
        *_definitions(document, focus, codebase.define),
        *_edited(about, codebase.edited),
        *_open(document, about, codebase.open_files),
        *_found(focus, codebase.search),
    ]
    best: dict[tuple[str, int, int], Candidate] = {}
    for each in found:
        place = (each.snippet.path, each.snippet.start_line, each.snippet.end_line)
        if place not in best or best[place].score < each.score:
            best[place] = each
    return sorted(best.values(), key=lambda each: (-each.score, each.snippet.path,
                                                   each.snippet.start_line))  # fmt: skip


def _definitions(document: Document, focus: Focus, define: Define | None) -> Iterator[Candidate]:
    """What defines the names above the cursor, in other files."""
    if define is None or not focus.block:
        return
    found: dict[tuple[str, int], Snippet] = {}

    def places(name: str) -> list[tuple[tuple[str, int], str]]:
        snippets = [each.snippet for each in define(name)]
        if len(snippets) > DEFINED_MAX or any(each.path == document.path for each in snippets):
            return []
        found.update({(each.path, each.start_line): each for each in snippets})
        return [((each.path, each.start_line), each.path) for each in snippets]

    *above, line = focus.block
    ranked = needs.rank(needs.wanted(above, line), places, document.path)
    for key, score in ranked[:DEFINITIONS_MAX]:
        yield Candidate(found[key], "definition", WEIGHTS["definition"] * score / ranked[0][1])


def _edited(about: frozenset[str], edited: Sequence[Snippet]) -> Iterator[Candidate]:
    for age, snippet in enumerate(edited):
        alike = similarity(about, words_of(snippet.text))
        if alike >= SIMILAR_MIN:
            yield Candidate(snippet, "edited", WEIGHTS["edited"] * min(1, 2 * alike) * 0.9**age)


def _open(
    document: Document, about: frozenset[str], open_files: Sequence[Document]
) -> Iterator[Candidate]:
    """The piece of each open file that has most in common with where the cursor is."""
    for age, each in enumerate(open_files):
        if each.path == document.path:
            continue
        lines = each.text.split("\n")
        starts = range(0, max(1, len(lines)), WINDOW_LINES)
        pieces = [lines[start : start + WINDOW_LINES] for start in starts]
        scored = [similarity(about, words_of("\n".join(piece))) for piece in pieces]
        best = max(range(len(pieces)), key=scored.__getitem__)
        if scored[best] >= SIMILAR_MIN:
            start, text = starts[best] + 1, "\n".join(pieces[best])
            snippet = Snippet(each.path, start, start + len(pieces[best]) - 1, text)
            score = WEIGHTS["open"] * min(1, 2 * scored[best]) * 0.9**age
            yield Candidate(snippet, "open", score)


def _found(focus: Focus, search: Search | None) -> Iterator[Candidate]:
    if search is None or not focus.query:
        return
    for rank, each in enumerate(search(focus.query, FOUND_MAX)):
        yield Candidate(each.snippet, "found", WEIGHTS["found"] * 0.85**rank)


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard: what two sets have in common, of all they have."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0
