"""The scopes of a Python file, and which one a name belongs to; without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Scope:
    node: ast.AST
    above: "Scope | None"
    bound: set[str] = field(default_factory=set[str])
    outer: set[str] = field(default_factory=set[str])
    """Declared `global` or `nonlocal`."""

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    def binding(self, name: str) -> "Scope | None":
        """The scope whose `name` is meant here; None if it is built in or comes from `*`."""
        scope: Scope | None = self
        while scope is not None:
            sees = scope is self or not scope.is_class
            if sees and name in scope.bound and name not in scope.outer:
                return scope
            scope = scope.above
        return None


def scopes(tree: ast.AST) -> Iterator[tuple[ast.AST, Scope]]:
    """Every node with the scope it is in."""
    top = Scope(tree, None)
    found = list(_walk(tree, top))
    for node, scope in found:
        bind(node, scope)
    return iter(found)


def _walk(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    for child in ast.iter_child_nodes(node):
        yield child, scope
        if isinstance(child, (*FUNCTIONS, ast.ClassDef, *COMPREHENSIONS)):
            yield from _opened(child, scope)
        else:
            yield from _walk(child, scope)


def _opened(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """A node with a scope of its own; its decorators, defaults and bases are outside of it."""
    inner = Scope(node, scope)
    outside: list[ast.AST] = [*getattr(node, "decorator_list", ())]
    if isinstance(node, ast.ClassDef):
        outside += [*node.bases, *node.keywords]
    if isinstance(node, FUNCTIONS):
        outside += [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    if isinstance(node, COMPREHENSIONS):
        outside.append(node.generators[0].iter)
    for child in outside:
        yield child, scope
        yield from _walk(child, scope)
    known = {id(each) for each in outside}
    for found, where in _walk(node, inner):
        if id(found) in known:
            known |= {id(each) for each in ast.walk(found)}
        elif id(found) not in known:
            yield found, where


def bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            scope.bound.add(name)
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            scope.bound.add(name)
        case ast.arg(arg=name):
            scope.bound.add(name)
        case ast.alias(name=name, asname=asname):
            scope.bound.add(asname or name.partition(".")[0])
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            scope.bound.add(name)
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            scope.bound.add(name)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            scope.outer.update(names)
        case _:
            pass
