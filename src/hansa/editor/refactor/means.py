"""What a name in a Python file means: a given definition, surely something else, or who knows."""

import ast
from collections.abc import Callable, Collection, Iterator
from pathlib import PurePosixPath
from typing import Literal

from hansa.editor.refactor.scopes import Scope, scopes
from hansa.index.graph import Definition

Means = Literal["ours", "doubtful", "other"]

_SELF = frozenset({"self", "cls"})


def means_in_python(
    path: str, text: str, target: Definition, own: str, lines: Collection[int] = ()
) -> Callable[[int], Means]:
    """Says what `own` at a byte of the file `path` means; all is doubtful if it does not parse.

    `lines` are where the target is defined, if that is more than once, as with overloads.
    """
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError):
        return lambda _: "doubtful"
    reader = _Reader(path, text, target, own, lines or (target.symbol.name_line,))
    found = dict(reader.read(tree))
    return lambda start: found.get(start, "doubtful")


class _Reader:
    def __init__(
        self, path: str, text: str, target: Definition, own: str, defined: Collection[int]
    ) -> None:
        self._path = path
        self._lines = text.encode().split(b"\n")
        self._begins = [0]
        for line in self._lines:
            self._begins.append(self._begins[-1] + len(line) + 1)
        self._bom = 3 if text.startswith("\ufeff") else 0
        self._target = target
        self._own = own
        self._defined = defined
        self._here = path == target.path
        self._modules: set[str] = set()
        """What the target's module is called in this file."""
        self._homes: dict[int, Means] = {}
        """Scopes in which a bare `own` is the target, or may be; the others mean something else."""
        self._star = False

    def read(self, tree: ast.Module) -> Iterator[tuple[int, Means]]:
        found = list(scopes(tree))
        for node, scope in found:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node, scope)
            elif self._here and scope.above is None:
                self._homes[id(scope)] = "ours"
        for node, scope in found:
            yield from self._node(node, scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for each in node.names:
            if isinstance(node, ast.ImportFrom):
                module = self._absolute(node)
                self._star |= each.name == "*"
                if each.name == self._own and each.asname is None:
                    self._homes[id(scope)] = self._picked(module)
                if self._is_target(f"{module}.{each.name}".strip(".")):
                    self._modules.add(each.asname or each.name)
            elif self._is_target(each.name):
                self._modules.add(each.asname or each.name)

    def _node(self, node: ast.AST, scope: Scope) -> Iterator[tuple[int, Means]]:
        match node:
            case ast.Name(id=name) if name == self._own:
                yield self._at(node.lineno, node.col_offset), self._name(scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if node.name == self._own:
                    yield self._definition(node)
            case ast.Attribute(attr=attr) if attr == self._own:
                line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
                start = self._at(line, end) - len(attr.encode())
                yield start, self._attribute(node.value, scope)
            case ast.ImportFrom():
                yield from self._imports(node)
            case ast.Import():
                yield from self._module_names(node)
            case ast.keyword(arg=arg) if arg == self._own:
                yield self._at(node.lineno, node.col_offset), "other"
            case ast.arg(arg=arg) if arg == self._own:
                yield self._at(node.lineno, node.col_offset), "other"
            case ast.Constant(value=value) if value == self._own:
                yield self._string(node)
            case _:
                pass

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> tuple[int, Means]:  # fmt: skip
        start = self._find(node.lineno, node.col_offset + 3)
        if self._here and node.lineno in self._defined:
            return start, "ours"
        # A method of that name in another class may override it.
        return start, "doubtful" if self._target.container else "other"

    def _name(self, scope: Scope) -> Means:
        binding = scope.binding(self._own)
        if self._target.container:
            return "ours" if self._here and self._is_container(binding) else "other"
        if binding is None:
            return "doubtful" if self._star else "other"
        return self._homes.get(id(binding), "other")

    def _is_container(self, scope: Scope | None) -> bool:
        own = self._target.container.rpartition(".")[2]
        return scope is not None and getattr(scope.node, "name", "") == own

    def _attribute(self, value: ast.expr, scope: Scope) -> Means:
        receiver = ast.unparse(value)
        if not self._target.container:
            if receiver in self._modules:
                return "ours"
            return "other" if receiver in _SELF or self._is_known(receiver) else "doubtful"
        if receiver in _SELF and self._here and self._is_container(_class_around(scope)):
            return "ours"
        container = self._target.container
        return "ours" if self._here and receiver == container else "doubtful"

    def _is_known(self, receiver: str) -> bool:
        """Whether the receiver is a literal, whose attributes are the language's own."""
        return receiver[:1] in {"'", '"', "[", "{"}

    def _imports(self, node: ast.ImportFrom) -> Iterator[tuple[int, Means]]:
        module = self._absolute(node)
        for each in node.names:
            if each.name == self._own:
                yield self._at(each.lineno, each.col_offset), self._picked(module)

    def _module_names(self, node: ast.Import) -> Iterator[tuple[int, Means]]:
        for each in node.names:
            if self._own in each.name.split("."):
                yield self._find(each.lineno, each.col_offset), "other"

    def _string(self, node: ast.Constant) -> tuple[int, Means]:
        start = self._find(node.lineno, node.col_offset)
        if self._target.container or not self._homes:
            return start, "other"
        return start, next(iter(self._homes.values()))

    def _picked(self, module: str) -> Means:
        """What `from module import own` means; a package may hand on what another one defines."""
        if self._target.container or self._is_far(module):
            return "other"
        return "ours" if self._is_target(module) else "doubtful"

    def _is_target(self, module: str) -> bool:
        """Whether `module`, as it is imported, is the file of the target.

        The folder that packages are in is not known, so the last parts of its path have to agree.
        """
        path = PurePosixPath(self._target.path).with_suffix("")
        parts = path.parts[:-1] if path.name == "__init__" else path.parts
        names = tuple(module.split("."))
        return bool(module) and bool(parts) and parts[-len(names) :] == names

    def _is_far(self, module: str) -> bool:
        """Whether no package of that name is around the target, so it cannot re-export it."""
        first = module.partition(".")[0]
        return first not in PurePosixPath(self._target.path).with_suffix("").parts

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        folders = PurePosixPath(self._path).parts[: -node.level]
        return ".".join([*folders, *([node.module] if node.module else [])])

    def _at(self, line: int, column: int) -> int:
        return self._begins[line - 1] + column + (self._bom if line == 1 else 0)

    def _find(self, line: int, column: int) -> int:
        return self._begins[line - 1] + self._lines[line - 1].find(self._own.encode(), column)


def _class_around(scope: Scope) -> Scope | None:
    around: Scope | None = scope
    while around is not None and not around.is_class:
        around = around.above
    return around
