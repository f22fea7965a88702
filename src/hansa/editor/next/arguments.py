"""An argument was added to a function and to a call of it: the other calls follow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hansa.editor.next.changes import Change
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.tokens import Token, by_line, is_name

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class _Call:
    """`name(...)` on one line."""

    name: str
    arguments: tuple[str, ...]
    close: Token


def edits(
    path: str, made: Sequence[Change], old: Sequence[Token], new: Sequence[Token], lines: list[str]
) -> Iterator[NextEdit]:
    """Calls that lack the last argument which the definition and another call have got."""
    old_lines, new_lines = by_line(old), by_line(new)
    defined: set[str] = set()
    called: dict[str, set[str]] = {}
    for change in made:
        for old_number, _, new_number, line in change.pairs():
            before = old_lines.get(old_number, [])
            after = new_lines.get(new_number, [])
            for name, more in _grown(before, after, line):
                if _is_definition(after, name):
                    defined.add(name)
                else:
                    called.setdefault(name, set()).add(more)
    for name in defined & called.keys():
        if len(called[name]) != 1:
            continue
        (more,) = called[name]
        for number, row in new_lines.items():
            call = _call(row, lines[number - 1], name)
            if call is None or _is_definition(row, name):
                continue
            if not call.arguments or more in call.arguments or not _can_be_said(more):
                continue
            line = lines[number - 1]
            changed = f"{line[: call.close.start]}, {more}{line[call.close.start :]}"
            yield NextEdit(path, number, line, changed, "argument",
                           f"{name} takes one argument more")  # fmt: skip


def _grown(before: list[Token], after: list[Token], line: str) -> Iterator[tuple[str, str]]:
    """Names called on a line that has one argument more at the end of the call, and which."""
    for name in {each.text for each in after if each.kind in ("name", "attribute")}:
        was, now = _call(before, "", name), _call(after, line, name)
        if was is None or now is None or len(now.arguments) != len(was.arguments) + 1:
            continue
        yield name, now.arguments[-1]


def _call(row: list[Token], line: str, name: str) -> _Call | None:
    """The only call of `name` on a line, if it ends on it."""
    starts = [
        at
        for at, each in enumerate(row[:-1])
        if each.text == name and row[at + 1].text == "(" and each.kind != "text"
    ]
    if len(starts) != 1:
        return None
    depth, parts, begin = 0, list[str](), row[starts[0] + 1].end
    for each in row[starts[0] + 1 :]:
        depth += (each.text in _OPEN) - (each.text in _CLOSE)
        if (depth == 1 and each.text == ",") or depth == 0:
            parts.append(line[begin : each.start].strip())
            begin = each.end
        if depth == 0:
            return _Call(name, tuple(part for part in parts if part or line == ""), each)
    return None


def _is_definition(row: list[Token], name: str) -> bool:
    texts = [each.text for each in row]
    at = texts.index(name) if name in texts else 0
    return at > 0 and texts[at - 1] in ("def", "function", "func", "fn")


def _can_be_said(argument: str) -> bool:
    """Whether an argument means the same in another place: a constant, or one with its name."""
    name, equals, value = argument.partition("=")
    value = value if equals and is_name(name.strip()) else argument
    return value.strip() in ("None", "True", "False", "null", "true", "false") or (
        value.strip().replace(".", "", 1).isdigit() or value.strip()[:1] in "\"'"
    )
