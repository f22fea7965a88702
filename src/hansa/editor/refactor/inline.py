"""Puts a local variable, or a function of one expression, where it is used; Python only."""

import ast
from collections.abc import Iterator

from hansa.core.errors import Conflict, NotFound, UserError
from hansa.editor.refactor.scopes import Function, Scope, bind, scopes
from hansa.editor.soundness import is_sound


def inline(name: str, text: str, what: str, line: int | None = None) -> str:
    """Replace each use of `what` in the file `name` by its value, and drop its definition.

    `line` says which one, if several are called so.

    Raises:
        NotFound: nothing in the file is called `what`.
        Conflict: it cannot be done so that the program does the same; says why.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{name} does not parse as Python: {error}") from error
    everything = list(scopes(tree))
    found = [(node, scope) for node, scope in everything if _binds(node, scope, what)
             and (line is None or line == getattr(node, "lineno", 0))]  # fmt: skip
    if not found:
        raise NotFound(f"{name} has no local variable and no function {what}"
                       + (f" in line {line}" if line else ""))  # fmt: skip
    homes = {id(scope) for _, scope in found}
    if len(found) > 1:
        lines = ", ".join(str(getattr(node, "lineno", "?")) for node, _ in found)
        why = "is assigned" if len(homes) == 1 else "is a name of several scopes,"
        raise Conflict(f"{what} {why} in lines {lines} of {name}; only what is set once can be "
                       "put in its places", hint="say which with --line")  # fmt: skip
    node, scope = found[0]
    uses = [each for each, where in everything
            if isinstance(each, ast.Name) and each.id == what and isinstance(each.ctx, ast.Load)
            and where.binding(what) is scope]  # fmt: skip
    if not uses:
        raise Conflict(f"{what} is used nowhere in {name}", hint="delete it")
    edits = (_of_function(name, text, tree, node, uses)
             if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
             else _of_variable(name, text, tree, node, scope, uses))  # fmt: skip
    made = _edited(text, edits)
    if not is_sound(name, made):
        raise Conflict(f"{name} would not parse without {what}; nothing was changed")
    return made


_MAKES = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
"""Each time one of these is evaluated there is a new object, that others may change or use up."""

Edit = tuple[int, int, str]
"""Bytes from, to, and what comes there."""


def _binds(node: ast.AST, scope: Scope, what: str) -> bool:
    own = Scope(node, None)
    bind(node, own)
    return what in own.bound


def _of_variable(
    name: str, text: str, tree: ast.Module, node: ast.AST, scope: Scope, uses: list[ast.Name]
) -> list[Edit]:
    statement = next((each for each in ast.walk(tree) if isinstance(each, ast.Assign)
                      and each.targets == [node]), None)  # fmt: skip
    if statement is None or scope.above is None or scope.is_class:
        raise Conflict(f"{getattr(node, 'id', 'this')} of {name} is no local variable that is set "
                       "by one plain assignment")  # fmt: skip
    pure = not any(isinstance(each, (ast.Call, ast.Await, ast.Yield, ast.NamedExpr))
                   for each in ast.walk(statement.value))  # fmt: skip
    if len(uses) > 1 and not pure:
        raise Conflict(f"the value in line {statement.lineno} of {name} calls something, and is "
                       f"used {len(uses)} times; it would be called as often")  # fmt: skip
    makes = any(isinstance(each, _MAKES) for each in ast.walk(statement.value))
    if makes and len(uses) > 1:
        raise Conflict(f"the value in line {statement.lineno} of {name} makes an object, and is "
                       f"used {len(uses)} times; each use would get its own")  # fmt: skip
    end = statement.end_lineno or 0
    first = min(each.lineno for each in uses)
    last = max(each.lineno for each in uses)
    read = {each.id for each in ast.walk(statement.value) if isinstance(each, ast.Name)}
    read |= {ast.unparse(each) for each in ast.walk(statement.value)
             if isinstance(each, (ast.Attribute, ast.Subscript))}  # fmt: skip
    for each in ast.walk(tree):
        between = end < getattr(each, "lineno", 0) <= last
        target = isinstance(getattr(each, "ctx", None), (ast.Store, ast.Del))
        if between and target and ast.unparse(each) in read:
            raise Conflict(f"line {getattr(each, 'lineno', 0)} of {name} changes "
                           f"{ast.unparse(each)}, which the value reads")  # fmt: skip
    loops = [each for each in ast.walk(scope.node)
             if isinstance(each, (ast.For, ast.AsyncFor, ast.While, ast.Lambda, ast.FunctionDef,
                                  ast.AsyncFunctionDef, ast.ListComp, ast.SetComp, ast.DictComp,
                                  ast.GeneratorExp)) and each is not scope.node]  # fmt: skip
    for loop in loops:
        holds = any(use in ast.walk(loop) for use in uses)
        if holds and statement not in ast.walk(loop) and (makes or not pure):
            raise Conflict(f"{uses[0].id} is used in the loop or function of line {loop.lineno} of "
                           f"{name}, where its value would be made again")  # fmt: skip
    if not pure and first > end + 1:
        raise Conflict(f"the value in line {statement.lineno} of {name} calls something; between "
                       f"there and line {first} more happens; the order would change")  # fmt: skip
    value = ast.get_source_segment(text, statement.value) or ast.unparse(statement.value)
    if "\n" in value:
        value = ast.unparse(statement.value)
    simple = isinstance(statement.value, (ast.Name, ast.Constant, ast.Attribute, ast.Call,
                                          ast.Subscript, ast.List, ast.Dict))  # fmt: skip
    value = value if simple else f"({value})"
    return [*_replaced(text, uses, value), _without(name, text, statement)]


def _of_function(
    name: str, text: str, tree: ast.Module, node: Function, uses: list[ast.Name]
) -> list[Edit]:
    body = [each for each in node.body if not _is_docstring(each)]
    returned = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    if returned is None or node.decorator_list or isinstance(node, ast.AsyncFunctionDef):
        raise Conflict(f"{node.name} in line {node.lineno} of {name} is more than one returned "
                       "expression")  # fmt: skip
    args = node.args
    if args.vararg or args.kwarg or args.defaults or args.kwonlyargs or args.posonlyargs:
        raise Conflict(f"{node.name} of {name} has parameters other than plain ones")
    names = [each.arg for each in args.args]
    calls = {id(each.func): each for each in ast.walk(tree) if isinstance(each, ast.Call)}
    edits: list[Edit] = []
    for use in uses:
        call = calls.get(id(use))
        if call is None or call.keywords or len(call.args) != len(names):
            raise Conflict(f"line {use.lineno} of {name} uses {node.name} in another way than by a "
                           "call with all its arguments in order")  # fmt: skip
        if any(use in ast.walk(each) for each in [node]):
            raise Conflict(f"{node.name} of {name} calls itself")
        nested = [each for each in uses if each is not use and each in ast.walk(call)]
        if nested:
            raise Conflict(f"line {use.lineno} of {name} has a call of {node.name} in another one")
        edits.append((*_bytes(text, call), _filled(name, returned, names, call)))
    return [*edits, _without(name, text, node)]


def _filled(name: str, returned: ast.expr, names: list[str], call: ast.Call) -> str:
    """The returned expression with the call's arguments for its parameters."""
    if any(
        isinstance(
            each,
            (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr),
        )
        for each in ast.walk(returned)
    ):
        raise Conflict(f"the expression in line {returned.lineno} of {name} has names of its own")
    for parameter, argument in zip(names, call.args, strict=True):
        times = sum(isinstance(each, ast.Name) and each.id == parameter
                    for each in ast.walk(returned))  # fmt: skip
        calls = any(isinstance(each, (ast.Call, ast.Await)) for each in ast.walk(argument))
        if (calls and times != 1) or isinstance(argument, ast.Starred):
            raise Conflict(f"the argument for {parameter} in line {call.lineno} of {name} calls "
                           f"something, and would do so {times} times")  # fmt: skip
    given = dict(zip(names, call.args, strict=True))

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return given.get(node.id, node)

    made = Fill().visit(ast.parse(ast.unparse(returned), mode="eval").body)
    return f"({ast.unparse(made)})"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _replaced(text: str, uses: list[ast.Name], value: str) -> Iterator[Edit]:
    for use in uses:
        yield *_bytes(text, use), value


def _bytes(text: str, node: ast.expr) -> tuple[int, int]:
    lines = text.encode().split(b"\n")
    begins = [0]
    for each in lines:
        begins.append(begins[-1] + len(each) + 1)
    end_line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
    return begins[node.lineno - 1] + node.col_offset, begins[end_line - 1] + end


def _without(name: str, text: str, node: ast.stmt) -> Edit:
    """The lines of a statement go, and the empty ones behind a function."""
    lines = text.encode().split(b"\n")
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    head, tail = lines[first][: node.col_offset], lines[last - 1][node.end_col_offset or 0 :]
    if head.strip() or tail.strip(b"\r \t"):
        raise Conflict(f"line {node.lineno} of {name} holds more than the definition")
    if isinstance(node, ast.FunctionDef):
        while last < len(lines) - 1 and not lines[last].strip():
            last += 1
    start = sum(len(each) + 1 for each in lines[:first])
    return start, start + sum(len(each) + 1 for each in lines[first:last]), ""


def _edited(text: str, edits: list[Edit]) -> str:
    source = text.encode()
    for start, end, new in sorted(edits, reverse=True):
        source = source[:start] + new.encode() + source[end:]
    return source.decode()
