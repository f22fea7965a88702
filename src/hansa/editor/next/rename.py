"""A name was changed where it is defined: its uses follow."""

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hansa.editor.next.changes import Change
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.tokens import Token, by_line
from hansa.index.languages import Symbol, outline


@dataclass(frozen=True, slots=True)
class Renamed:
    """A definition that has another name now."""

    old: str
    new: str
    line: int
    """Of the definition, now."""
    symbol: Symbol | None
    """The function or class that has the new name; None for a variable."""

    @property
    def why(self) -> str:
        return f"{self.old} is called {self.new} now"


def edits(
    path: str, made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], lines: list[str]
) -> Iterator[NextEdit]:
    """Lines that still use a name whose definition has another one."""
    for renamed, uses in followed(path, made, old, new, lines):
        for number, found in by_line([each for each in uses if _means(each, renamed)]).items():
            yield NextEdit(
                path, number, lines[number - 1],
                _replaced(lines[number - 1], found, renamed.new), "rename", renamed.why,
            )  # fmt: skip


def followed(
    path: str, made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], lines: list[str]
) -> Iterator[tuple[Renamed, list[Token]]]:
    """Renames that uses may follow, each with where the old name still stands in its scope.

    None to a name that was there before, nor from one that is still given to something.
    """
    symbols = outline(path, "\n".join(lines).encode())
    old_names = {each.text for each in old if each.kind != "text"}
    for renamed in _renamed(made, old, new, symbols):
        first, last = _scope(renamed, symbols, len(lines))
        uses = [each for each in new if first <= each.line <= last and each.text == renamed.old]
        if renamed.new not in old_names and not any(_defines(each, symbols) for each in uses):
            yield renamed, uses


def _renamed(
    made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], symbols: list[Symbol]
) -> Iterator[Renamed]:
    """Definitions that differ from what they were in one name."""
    old_lines, new_lines = by_line(old), by_line(new)
    seen: set[str] = set()
    for change in made:
        for old_number, _, new_number, _ in change.pairs():
            before, after = old_lines.get(old_number, []), new_lines.get(new_number, [])
            for was, now in _differing(before, after):
                named = [each for each in symbols if each.own == now.text
                         and each.name_line == new_number]  # fmt: skip
                if was.text not in seen and (named or now.stores):
                    seen.add(was.text)
                    symbol = named[0] if named else None
                    yield Renamed(was.text, now.text, new_number, symbol)


def _differing(before: list[Token], after: list[Token]) -> list[tuple[Token, Token]]:
    """The names in which two lines differ, if they differ in nothing else."""
    if len(before) != len(after):
        return []
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a.text != b.text]
    kinds = {"name", "attribute", "keyword"}
    only_names = all(a.kind in kinds and b.kind in kinds for a, b in pairs)
    words = all(not keyword.iskeyword(b.text) for _, b in pairs)
    one = len({(a.text, b.text) for a, b in pairs}) == 1
    return pairs if only_names and words and one else []


def _scope(renamed: Renamed, symbols: list[Symbol], lines: int) -> tuple[int, int]:
    """First and last line in which the name is meant."""
    inside = [
        each
        for each in symbols
        if each.start_line <= renamed.line <= each.end_line and each is not renamed.symbol
    ]
    functions = [each for each in inside if each.kind in ("function", "method")]
    if functions:
        return functions[-1].start_line, functions[-1].end_line
    if renamed.symbol is None and inside:
        return inside[-1].start_line, inside[-1].end_line
    return 1, lines


def _defines(token: Token, symbols: list[Symbol]) -> bool:
    """Whether the old name is still given to something."""
    return token.stores or any(
        each.own == token.text and each.name_line == token.line for each in symbols
    )


def _means(token: Token, renamed: Renamed) -> bool:
    """Whether a use of the old name is of what was renamed."""
    if renamed.symbol is not None and renamed.symbol.kind == "method":
        return token.kind == "attribute"
    return token.kind == "name"


def _replaced(line: str, found: list[Token], name: str) -> str:
    for each in sorted(found, key=lambda token: -token.start):
        line = line[: each.start] + name + line[each.end :]
    return line
