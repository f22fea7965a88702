"""Makes a function of some lines of a Python function, or of the top of a file."""

import ast
import keyword
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hansa.core.errors import Conflict, UserError
from hansa.editor.refactor.scopes import Function, Scope, bind, scopes
from hansa.editor.soundness import is_sound

STEP = "    "

_SETS = (ast.Assign, ast.AnnAssign, ast.With, ast.Import, ast.ImportFrom, ast.FunctionDef,
         ast.AsyncFunctionDef, ast.ClassDef)  # fmt: skip
"""Statements that surely set the names they bind, at least those directly in them."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Whole statements that stand side by side, and the function around them."""

    statements: Sequence[ast.stmt]
    function: Function | None
    top: ast.stmt
    """The statement at the top of the file that holds them."""


def extract(name: str, text: str, lines: tuple[int, int], function: str) -> str:
    """Move `lines` (from 1, both included) of the file `name` into a new function `function`.

    What the lines read becomes its parameters; what they set and is read later, what it returns.

    Raises:
        UserError: the lines are not whole statements, or `function` is no free name.
        Conflict: the lines hold what does not survive the move; names it.
    """
    if not function.isidentifier() or keyword.iskeyword(function):
        raise UserError(f"{function!r} cannot be a name")
    tree = _parsed(name, text)
    if any(function in _bound_by(node) for node in ast.walk(tree)):
        raise Conflict(f"{function} is a name in {name} already", hint="choose another name")
    chosen = _choose(name, tree, lines)
    _check(name, chosen)
    reads, sets = _flow(tree, chosen)
    source = text.split("\n")
    first, last = chosen.statements[0].lineno, chosen.statements[-1].end_lineno or 0
    body = source[first - 1 : last]
    indent = body[0][: len(body[0]) - len(body[0].lstrip())]
    call = f"{function}({', '.join(reads)})"
    back = ", ".join(sets)
    awaits = any(isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith))
                 for each in chosen.statements for node in ast.walk(each))  # fmt: skip
    call = f"await {call}" if awaits else call
    moved = textwrap.indent(textwrap.dedent("\n".join(body)), STEP).split("\n")
    made = [
        f"{'async ' if awaits else ''}def {function}({', '.join(reads)}):",
        *moved, *([f"{STEP}return {back}"] if sets else []), "", "",
    ]  # fmt: skip
    line = f"{indent}{back} = {call}" if sets else f"{indent}{call}"
    at = min([chosen.top.lineno, *(each.lineno for each in getattr(
        chosen.top, "decorator_list", ()))]) - 1  # fmt: skip
    new = "\n".join([*source[:at], *made, *source[at : first - 1], line, *source[last:]])
    if not is_sound(name, new):
        raise Conflict(f"lines {first}-{last} of {name} make no function that parses")
    return new


def _parsed(name: str, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{name} does not parse as Python: {error}") from error


def _choose(name: str, tree: ast.Module, lines: tuple[int, int]) -> _Chosen:
    for body, function, top in _bodies(tree, None, None):
        inside = [each for each in body
                  if lines[0] <= each.lineno and (each.end_lineno or 0) <= lines[1]]  # fmt: skip
        touched = [each for each in body
                   if each.lineno <= lines[1] and lines[0] <= (each.end_lineno or 0)]  # fmt: skip
        if inside and inside == touched:
            return _Chosen(inside, function, top or inside[0])
    raise UserError(f"lines {lines[0]}-{lines[1]} of {name} are not whole statements",
                    hint="choose statements that stand side by side")  # fmt: skip


def _bodies(
    node: ast.AST, function: Function | None, top: ast.stmt | None
) -> Iterator[tuple[list[ast.stmt], Function | None, ast.stmt | None]]:
    """Every list of statements that is not directly a class's, with what is around it."""
    inner = node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        found: list[ast.AST] | ast.AST = getattr(node, field, [])
        # The body of a lambda or of a conditional expression is no list.
        if not isinstance(found, list):
            continue
        statements = [each for each in found if isinstance(each, ast.stmt)]
        if statements and not isinstance(node, ast.ClassDef):
            yield statements, inner, top
        for each in found:
            above = top or (each if isinstance(each, ast.stmt) else None)
            yield from _bodies(each, inner, above)


def _check(name: str, chosen: _Chosen) -> None:
    """Refuse what would leave the function, or needs to be where it is."""
    for found in chosen.statements:
        for what, line in _leaves(found, in_loop=False):
            raise Conflict(f"line {line} of {name} holds {what}, which cannot be moved into a "
                           "function", hint="choose lines without it")  # fmt: skip


def _leaves(node: ast.AST, *, in_loop: bool) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Return() | ast.Yield() | ast.YieldFrom():
            yield type(node).__name__.lower().replace("yieldfrom", "yield from"), node.lineno
        case ast.Break() | ast.Continue() if not in_loop:
            yield type(node).__name__.lower(), node.lineno
        case ast.Global() | ast.Nonlocal() | ast.Delete():
            yield type(node).__name__.lower().replace("delete", "del"), node.lineno
        case ast.ImportFrom() if any(each.name == "*" for each in node.names):
            yield "import *", node.lineno
        case ast.Constant(value=str()) | ast.JoinedStr() if node.lineno != node.end_lineno:
            yield "a string of several lines", node.lineno
        case ast.Name(id="super" | "locals" | "__class__"):
            yield node.id, node.lineno
        case _:
            pass
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return
    loops = isinstance(node, (ast.For, ast.AsyncFor, ast.While))
    body: list[ast.stmt] = getattr(node, "body", []) if loops else []
    for child in ast.iter_child_nodes(node):
        yield from _leaves(child, in_loop=in_loop or any(child is each for each in body))


def _flow(tree: ast.Module, chosen: _Chosen) -> tuple[list[str], list[str]]:
    """The local names the lines read, in order, and those they set that are read elsewhere."""
    if chosen.function is None:
        raise UserError("lines outside of a function have no local names",
                        hint="choose lines inside a function")  # fmt: skip
    inside = {id(node) for each in chosen.statements for node in ast.walk(each)}
    reads: dict[str, None] = {}
    sets: dict[str, None] = {}
    elsewhere: set[str] = set()
    for node, scope in scopes(tree):
        for each, stores in _names(node):
            home = scope.binding(each)
            if home is None or not _is_local(home, chosen.function):
                continue
            if id(node) not in inside:
                elsewhere |= set() if stores == "set" else {each}
            else:
                if stores in {"get", "both"}:
                    reads[each] = None
                if stores in {"set", "both"} and home.node is chosen.function:
                    sets[each] = None
    before = _bound_before(tree, chosen, inside)
    surely = {
        name for each in chosen.statements if isinstance(each, _SETS)
        for node in ast.walk(each) for name in _bound_by(node)
    }  # fmt: skip
    returned = [each for each in sets if each in elsewhere]
    for each in returned:
        if each not in surely and each not in before:
            raise Conflict(f"the lines set {each} only sometimes, and it is read later",
                           hint=f"set {each} before them")  # fmt: skip
    # What may stay as it came in has to come in.
    late = [each for each in returned if each not in surely and each not in reads]
    return [*(each for each in reads if each in before), *late], returned


def _names(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            yield name, "get"
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, "both"
        case ast.arg():
            pass
        case _:
            for name in _bound_by(node):
                yield name, "set"


def _bound_by(node: ast.AST) -> set[str]:
    scope = Scope(node, None)
    bind(node, scope)
    return scope.bound


def _is_local(home: Scope, function: Function) -> bool:
    """Whether a name is bound in the function, or in one around it."""
    return home.above is not None and not home.is_class and (
        home.node is function or any(each is function for each in ast.walk(home.node)))  # fmt: skip


def _bound_before(tree: ast.Module, chosen: _Chosen, inside: set[int]) -> set[str]:
    """Local names that have a value when the lines are reached."""
    assert chosen.function
    first = chosen.statements[0].lineno
    looped = any(
        isinstance(each, (ast.For, ast.AsyncFor, ast.While)) and chosen.statements[0] in ast.walk(
            each) and each not in chosen.statements for each in ast.walk(chosen.function)
    )  # fmt: skip
    return {
        name
        for node, scope in scopes(tree)
        if id(node) not in inside and (looped or getattr(node, "lineno", 0) <= first
                                       or scope.node is not chosen.function)
        for name in _bound_by(node)
        if (home := scope.binding(name)) and _is_local(home, chosen.function)
    }  # fmt: skip
