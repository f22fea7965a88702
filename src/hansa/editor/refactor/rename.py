"""Renames a definition in every file that means it, found through the symbol graph.

What surely means it is renamed. What has the same name and may mean it (a method of an object whose
class cannot be told) is doubtful: it is listed, and the rename refused until somebody says which.
What surely means something else is left alone.
"""

import ast
import keyword
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from hansa.core.errors import Conflict, NotFound, UserError
from hansa.editor.document import read_source
from hansa.editor.journal import Change
from hansa.editor.refactor.means import Means, means_in_python
from hansa.editor.soundness import is_sound
from hansa.index.graph import Definition, Graph
from hansa.index.languages import grammar, language_of, parse
from hansa.index.queries import QUERIES

SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the old name stands; in bytes of the file's text as UTF-8."""

    path: str
    line: int
    start: int
    text: str
    """Its line."""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Renamed:
    changes: tuple[tuple[str, str, str], ...]
    """Each file's name, old and new text."""
    renamed: tuple[Spot, ...]
    left: tuple[Spot, ...]
    """The same name, not renamed."""

    def as_changes(self, root: Path) -> list[Change]:
        return [Change(root / name, old.encode(), new.encode()) for name, old, new in self.changes]


def rename_symbol(
    root: Path,
    graph: Graph,
    old: str,
    new: str,
    *,
    within: str = "",
    decide: Callable[[Spot], bool | None],
) -> Renamed:
    """Rename `old`, a name or `Class.method`, defined in the file `within` if that is given.

    `decide` says of a doubtful place whether it is renamed; None if nobody has said.

    Raises:
        NotFound: nothing is called `old`.
        UserError: `new` is no name, or more than one definition is called `old`.
        Conflict: doubtful places nobody has decided; `new` is a name there already; or a file
            would not parse any more.
    """
    own = old.rpartition(".")[2]
    targets = _targets(graph, old, within)
    target = targets[0]
    _check_name(new, target.path)
    others = [each for each in graph.definitions(own) if each not in targets]
    paths = {target.path, *(each.path for each in graph.references(own)),
             *(each.path for each in others)}  # fmt: skip
    sure: list[Spot] = []
    doubtful: list[Spot] = []
    left: list[Spot] = []
    texts: dict[str, str] = {}
    for path in sorted(each for each in paths if language_of(each)):
        texts[path] = read_source(root / path).text
        means = _means(path, texts[path], targets, own, alone=not others)
        for spot in spots(path, texts[path], own):
            {"ours": sure, "doubtful": doubtful, "other": left}[means(spot.start)].append(spot)
    decided = {spot: decide(spot) for spot in doubtful}
    open_ = [spot for spot, yes in decided.items() if yes is None]
    if open_:
        shown = "".join(f"\n  {each.place}  {each.text.strip()}" for each in open_[:SHOWN_MAX])
        more = f"\n  and {len(open_) - SHOWN_MAX} more" if len(open_) > SHOWN_MAX else ""
        raise Conflict(f"these may mean {target.symbol.name} of {target.path} or something else of "
                       f"that name:{shown}{more}", hint="say which: --also FILE:LINE renames one, "
                       "--leave FILE:LINE does not; `all` stands for every other")  # fmt: skip
    sure += [spot for spot, yes in decided.items() if yes]
    left += [spot for spot, yes in decided.items() if not yes]
    return Renamed(tuple(_changes(texts, sure, own, new)), tuple(sure), tuple(left))


def _targets(graph: Graph, old: str, within: str) -> list[Definition]:
    """What `old` means: one definition, or those that Python takes for one, as overloads are."""
    found = [each for each in graph.definitions(old)
             if within in {"", each.path} and each.symbol.kind != "heading"]  # fmt: skip
    if not found:
        raise NotFound(f"nothing is called {old}" + (f" in {within}" if within else ""),
                       hint="`hansa search` finds what a codebase defines")  # fmt: skip
    if len(found) > 1 and not _are_one(found):
        places = ", ".join(f"{each.symbol.name} in {each.path}:{each.symbol.name_line}"
                           for each in found[:SHOWN_MAX])  # fmt: skip
        raise UserError(f"{len(found)} definitions are called {old}: {places}",
                        hint="say which with --in FILE, or as Class.method")  # fmt: skip
    return found


def _are_one(found: Sequence[Definition]) -> bool:
    """Overloads, a property's accessors, two branches: one name in one scope of a Python file."""
    names = {(each.path, each.symbol.name) for each in found}
    return len(names) == 1 and language_of(found[0].path) == "python"


def _check_name(new: str, path: str) -> None:
    python = language_of(path) == "python"
    if not new.isidentifier() or (python and keyword.iskeyword(new)):
        raise UserError(f"{new!r} cannot be a name")


def _means(
    path: str, text: str, targets: Sequence[Definition], own: str, *, alone: bool
) -> Callable[[int], Means]:
    """Says what the name at a byte of the file means."""
    target = targets[0]
    if language_of(path) == "python" and language_of(target.path) == "python":
        lines = frozenset(each.symbol.name_line for each in targets)
        return means_in_python(path, text, target, own, lines)
    # Without scopes: a name that only one thing in the codebase has means it where that is.
    same = language_of(path) == language_of(target.path)
    sure: Means = "ours" if alone and path == target.path else "doubtful" if same else "other"
    return lambda _: sure


def spots(path: str, text: str, own: str) -> Iterator[Spot]:
    """Where `own` stands as a name, or alone in a string of a Python file's `__all__`."""
    source, lines = text.encode(), text.split("\n")
    language = language_of(path) or ""
    query = tree_sitter.Query(grammar(language), QUERIES[language].names)
    root = parse(language, source)
    starts = {
        node.start_byte
        for node in tree_sitter.QueryCursor(query).captures(root).get("name", ())
        if source[node.start_byte : node.end_byte] == own.encode()
    }
    if language == "python":
        starts |= set(_exported(text, own))
    for start in sorted(starts):
        line = source.count(b"\n", 0, start)
        yield Spot(path, line + 1, start, lines[line])


def _exported(text: str, own: str) -> Iterator[int]:
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError):
        return
    lines = text.encode().split(b"\n")
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and each.value == own:
                    before = sum(len(line) + 1 for line in lines[: each.lineno - 1])
                    at = lines[each.lineno - 1].find(own.encode(), each.col_offset)
                    yield before + at


def _changes(
    texts: dict[str, str], chosen: Sequence[Spot], old: str, new: str
) -> Iterator[tuple[str, str, str]]:
    for path in sorted({each.path for each in chosen}):
        text = texts[path]
        _check_free(path, text, new)
        source = text.encode()
        for start in sorted({each.start for each in chosen if each.path == path}, reverse=True):
            source = source[:start] + new.encode() + source[start + len(old.encode()) :]
        made = source.decode()
        if is_sound(path, text) and not is_sound(path, made):
            raise Conflict(f"{path} would not parse with {new} for {old}; nothing was changed")
        yield path, text, made


def _check_free(path: str, text: str, new: str) -> None:
    taken = next(spots(path, text, new), None)
    if taken:
        raise Conflict(f"{new} is a name in {taken.place} already; both would become one",
                       hint="choose another name")  # fmt: skip


def decider(also: Collection[str], leave: Collection[str]) -> Callable[[Spot], bool | None]:
    """From places given by hand, `FILE:LINE` or `all`, to what `rename_symbol` asks."""

    def decide(spot: Spot) -> bool | None:
        if spot.place in also:
            return True
        if spot.place in leave:
            return False
        return True if "all" in also else False if "all" in leave else None

    return decide
