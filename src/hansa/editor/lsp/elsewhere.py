"""A rename in one open file is followed into others, one edit after the other.

Who makes the edits one at a time would soon have a file with both names, which tells nothing for
sure. So what was found before any was made is kept, and holds as long as its line is as it was.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Documents, Open
from hansa.editor.lsp.positions import as_lf
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.elsewhere import Users, follow, renamed, users
from hansa.editor.next.predict import EDITS_MAX
from hansa.editor.next.rename import Renamed

SOURCES_KEPT = 8


@dataclass(frozen=True, slots=True)
class _Followed:
    names: list[tuple[str, str]]
    """Old and new."""
    files: dict[str, list[str]]
    """Where lines followed at first, by the old name."""
    left: list[NextEdit]


class Elsewhere:
    def __init__(self, documents: Documents, codebases: Codebases) -> None:
        self._documents, self._codebases = documents, codebases
        self._followed: OrderedDict[str, _Followed] = OrderedDict()
        """By the URI of the file with the definitions, the latest that led elsewhere last."""

    async def find(self, here: Open, before: Callable[[str], Sequence[str]]) -> list[NextEdit]:
        """Lines of other files, by path and line, that follow from a rename in `here`.

        If none does, then from the latest one in another file; those may be in `here`. `before`
        gives what the file of a URI was before its latest edits. Paths are below the root. Nothing
        without an index.
        """
        if here.root is None or self._codebases.states.get(here.root) != "ready":
            return []
        latest = next(reversed(self._followed), here.uri)
        for uri in dict.fromkeys((here.uri, latest)):
            source = self._documents.get(uri)
            if source is None or source.root != here.root:
                continue
            names = await asyncio.to_thread(_renamed, source, list(before(uri)))
            if names and (left := await self._follow(source, here.root, names)):
                return left
        return []

    async def _follow(self, source: Open, root: Path, names: list[Renamed]) -> list[NextEdit]:
        pairs = [(each.old, each.new) for each in names]
        known = self._followed.get(source.uri)
        if known is None or known.names != pairs:
            known = None
            found = await self._codebases.ask(root, lambda graph: users(graph, source.name, names))
        else:
            files = known.files
            found = [(each, files[each.old]) for each in names if each.old in files]
        if found is None:
            return []
        texts = self._documents.texts(root)
        edits = await asyncio.to_thread(follow, root, source.name, found, texts)
        known = known or _Followed(pairs, _files(found, edits), [])
        by_place = {(each.path, each.line): each for each in known.left if _fits(each, texts)}
        by_place |= {(each.path, each.line): each for each in edits}
        left = [by_place[place] for place in sorted(by_place)]
        self._followed[source.uri] = replace(known, left=left)
        self._followed.move_to_end(source.uri, last=bool(left))
        while len(self._followed) > SOURCES_KEPT:
            self._followed.popitem(last=False)
        return left


def _renamed(source: Open, before: list[str]) -> list[Renamed]:
    """Since any of the latest edits; each old name once."""
    now = as_lf(source.text)
    found = (each for text in before for each in renamed(source.name, text, now))
    return list({each.old: each for each in found}.values())


def _files(found: Users, edits: list[NextEdit]) -> dict[str, list[str]]:
    """Those that need to be read again; all of them if there were too many edits."""
    paths = {each.path for each in edits}
    every = len(edits) == EDITS_MAX
    return {each.old: [name for name in names if every or name in paths] for each, names in found}


def _fits(edit: NextEdit, texts: dict[str, str]) -> bool:
    lines = texts.get(edit.path, "").split("\n")
    return edit.line <= len(lines) and lines[edit.line - 1] == edit.old
