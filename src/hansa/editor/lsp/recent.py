"""The places that were edited last, which say what somebody is working on."""

from collections.abc import Iterator
from dataclasses import dataclass

from hansa.editor.lsp.documents import Change, Documents, Open
from hansa.editor.lsp.positions import as_lf, line_count, line_of
from hansa.wire.requests import Snippet

PLACES_MAX = 8
NEAR_LINES = 3
"""Edits this near each other are one place."""

SNIPPET_LINES_MAX = 12


@dataclass(slots=True)
class _Place:
    uri: str
    first: int
    last: int
    """Lines from 0, both included."""

    def meets(self, uri: str, first: int, last: int) -> bool:
        near = self.first - NEAR_LINES <= last and first <= self.last + NEAR_LINES
        return self.uri == uri and near


class RecentEdits:
    """Listens to changes; the place edited last comes first."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._places: list[_Place] = []
        documents.listeners.append(self._changed)

    def elsewhere(self, here: Open, line: int) -> tuple[Snippet, ...]:
        """What was edited in the codebase of `here`, but for what is around its line `line`."""
        return tuple(self._snippets(here, line))

    def _snippets(self, here: Open, line: int) -> Iterator[Snippet]:
        for place in self._places:
            opened = self._documents.get(place.uri)
            if opened is None or opened.root != here.root or opened.private:
                continue
            if place.meets(here.uri, line, line):
                continue
            lines = as_lf(opened.text).split("\n")
            first = max(0, place.first - 1)
            shown = lines[first : min(place.last + 2, first + SNIPPET_LINES_MAX)]
            if any(each.strip() for each in shown):
                yield Snippet(opened.name, first + 1, first + len(shown), "\n".join(shown))

    def _changed(self, change: Change) -> None:
        first = line_of(change.before, change.start)
        removed = line_count(change.before[change.start : change.end]) - 1
        added = line_count(change.text) - 1
        grown = added - removed
        new = _Place(change.uri, first, first + added)
        kept: list[_Place] = []
        for place in self._places:
            if place.uri == change.uri and place.first > first + removed:
                place.first, place.last = place.first + grown, place.last + grown
            elif place.uri == change.uri and place.last >= first:
                place.last = max(place.last + grown, new.first)
            if place.meets(change.uri, new.first, new.last):
                new.first = min(new.first, place.first)
                new.last = max(new.last, place.last)
            else:
                kept.append(place)
        self._places = [new, *kept][:PLACES_MAX]
