"""A function or class was renamed in a file: what the other files of the codebase call it follows.

Python only, and only what surely means it, told from imports and scopes as `hansa refactor rename`
does. It asks nobody: what is doubtful is left out.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from hansa.core.errors import UserError
from hansa.editor.document import read_source
from hansa.editor.next import rename
from hansa.editor.next.changes import changes
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.predict import CHANGES_MAX, EDITS_MAX
from hansa.editor.next.rename import Renamed
from hansa.editor.next.tokens import tokens
from hansa.editor.refactor.means import means_in_python
from hansa.editor.refactor.rename import Spot, spots
from hansa.index.graph import Definition, Graph
from hansa.index.languages import language_of

FILES_MAX = 200
"""Of those that have the old name; more are not read."""

Users = Sequence[tuple[Renamed, Sequence[str]]]
"""What was renamed, and the names of the files that may use it."""


def renamed(path: str, before: str, now: str) -> list[Renamed]:
    """The functions and classes at the top of a Python file that have another name now."""
    if language_of(path) != "python" or len(made := changes(before, now)) > CHANGES_MAX:
        return []
    old, new = tokens(path, before), tokens(path, now)
    found = rename.followed(path, made, old, new, now.split("\n"))
    return [each for each, _ in found if each.symbol and each.symbol.name == each.new]


def users(graph: Graph, path: str, found: list[Renamed]) -> Users:
    """Each that is surely meant, with the Python files that have its old name.

    `path` names the changed file in the graph, as it is there or was before.
    """
    return [(each, _files(graph, each)) for each in found if not _rivalled(graph, path, each)]


def follow(
    root: Path, path: str, found: Users, texts: Mapping[str, str] | None = None
) -> list[NextEdit]:
    """The lines of files below `root`, other than `path`, that follow.

    `texts` are files by name as they are in an editor: they are looked at too, and stand for what
    is on disk. By path and line, `EDITS_MAX` at most.
    """
    edits = (
        edit
        for each, names in found
        for name in islice(dict.fromkeys([*(texts or ()), *names]), FILES_MAX)
        if name != path and language_of(name) == "python"
        for edit in _edits(root, path, name, each, texts or {})
    )
    return sorted(islice(edits, EDITS_MAX), key=lambda edit: (edit.path, edit.line))


def _files(graph: Graph, each: Renamed) -> list[str]:
    names = (use.path for use in graph.references(each.old))
    return list(dict.fromkeys(name for name in names if language_of(name) == "python"))


def _edits(
    root: Path, path: str, name: str, each: Renamed, texts: Mapping[str, str]
) -> Iterator[NextEdit]:
    if each.symbol is None:
        return
    target = Definition(path, replace(each.symbol, name=each.old))
    with contextlib.suppress(UserError):  # it went, or is no text any more
        text = texts[name] if name in texts else read_source(root / name).lf_text
        yield from _lines(name, text, target, each)


def _rivalled(graph: Graph, path: str, each: Renamed) -> bool:
    return any(_rivals(other, path) for other in graph.definitions(each.old))


def _rivals(other: Definition, path: str) -> bool:
    """Whether an import may mean another definition, as folders of packages are not known."""
    return other.path != path and not other.container and other.symbol.kind != "heading"


def _lines(name: str, text: str, target: Definition, each: Renamed) -> Iterator[NextEdit]:
    if next(spots(name, text, each.new), None):
        return  # Both would become one.
    means = means_in_python(name, text, target, each.old)
    rows: dict[int, list[Spot]] = {}
    for spot in spots(name, text, each.old):
        if means(spot.start) == "ours":
            rows.setdefault(spot.line, []).append(spot)
    begins = [0]
    for line in text.encode().split(b"\n"):
        begins.append(begins[-1] + len(line) + 1)
    for number, row in rows.items():
        begin, line = begins[number - 1], row[0].text.encode()
        for spot in reversed(row):
            at = spot.start - begin
            line = line[:at] + each.new.encode() + line[at + len(each.old.encode()) :]
        yield NextEdit(name, number, row[0].text, line.decode(), "rename", each.why)
