"""Lines of real packages that need what another of their files defines.

A question shows the line's file up to it, some of what follows, and the definition from the other
file. The measures are exact match of the line and edit similarity, as in RepoBench and
CrossCodeEval.
"""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hansa.context import healing
from hansa.evals.question import Answer, Question, Score
from hansa.evals.scoring import edit_similarity, exact_match
from hansa.wire.requests import Snippet

LINES_PER_PACKAGE = 40
SEED = 11
PREFIX_CHARS = 1_800
SUFFIX_CHARS = 600
DEFINITION_LINES = 24
DEFINITION_CHARS = 1_200
LINE_CHARS = range(16, 121)
SPARE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Place:
    """One line to complete."""

    package: str
    path: str
    """Relative to the package's own folder."""
    line: int
    """From 1."""
    prefix: str
    middle: str
    """The line from its indentation on, without its newline."""
    suffix: str
    definition: Snippet


class Repository:
    name = "repository"

    def __init__(self, places: Sequence[Place], *, prefix_only: bool = False) -> None:
        self._prefix_only = prefix_only
        self._places = {f"{each.package}/{each.path}:{each.line}": each for each in places}
        self.questions = tuple(self._question(name, each) for name, each in self._places.items())

    async def score(self, question: Question, answer: Answer) -> Score:
        place = self._places[question.task_id]
        healed = healing.heal(answer.text, healing.cut(place.prefix)[1]) or ""
        text = healed.split("\n")[0]
        return Score(
            text=text,
            exact=exact_match(text, place.middle),
            similarity=round(edit_similarity(text, place.middle), 4),
        )

    def _question(self, name: str, place: Place) -> Question:
        prompt, typed = healing.cut(place.prefix)
        return Question(
            task_id=name,
            group=f"{place.package}/{place.path}",
            kind="complete",
            prompt=prompt,
            suffix="" if self._prefix_only else place.suffix,
            begins="" if self._prefix_only else typed,
            snippets=(place.definition,),
            max_tokens=len(place.middle) // 2 + SPARE_TOKENS,
            newlines_max=typed.count("\n"),
        )


def places_in(
    package: str, sources: Path, *, count: int = LINES_PER_PACKAGE, seed: int = SEED
) -> list[Place]:
    """Draw lines of a package's files, at most one for each statement; fewer if it has no more."""
    modules = _parsed(sources)
    definitions = {name: _definitions(module) for name, module in modules.items()}
    found = {
        (place.path, place.line): place
        for name, module in modules.items()
        for place in _uses(package, name, module, definitions)
    }
    draw = random.Random(f"{seed} {package}")  # noqa: S311 - a sample, no secret
    chosen = draw.sample(list(found.values()), min(count, len(found)))
    return sorted(chosen, key=lambda place: (place.path, place.line))


@dataclass(frozen=True, slots=True)
class _Module:
    path: str
    text: str
    tree: ast.Module


def _parsed(sources: Path) -> dict[str, _Module]:
    """Modules by dotted name within the package; empty for its `__init__`."""
    modules: dict[str, _Module] = {}
    for path in sorted(sources.rglob("*.py")):
        relative = path.relative_to(sources)
        parts = relative.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        modules[name] = _Module(relative.as_posix(), text, ast.parse(text))
    return modules


def _definitions(module: _Module) -> dict[str, Snippet]:
    """The beginning of each function and class at a module's top."""
    lines = module.text.splitlines()
    made: dict[str, Snippet] = {}
    for node in module.tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        end = min(node.end_lineno or node.lineno, node.lineno + DEFINITION_LINES - 1)
        text = "\n".join(lines[node.lineno - 1 : end])[:DEFINITION_CHARS]
        made[node.name] = Snippet(module.path, node.lineno, end, text)
    return made


def _uses(
    package: str, name: str, module: _Module, definitions: dict[str, dict[str, Snippet]]
) -> Iterator[Place]:
    """Statements of one line inside functions that use what the module takes from another."""
    imported = dict(_imported(package, name, module, definitions))
    lines = module.text.split("\n")
    for function in ast.walk(module.tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if not isinstance(node, _SIMPLE) or node.end_lineno != node.lineno:
                continue
            used = next((each for each in _names(node) if each in imported), None)
            line = lines[node.lineno - 1]
            if used and len(line.strip()) in LINE_CHARS and line.strip().isascii():
                yield _place(package, module, node.lineno, imported[used])


_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise)


def _names(node: ast.stmt) -> Iterator[str]:
    """Names and `module.name`s in a statement."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            yield f"{each.value.id}.{each.attr}"


def _imported(
    package: str, name: str, module: _Module, definitions: dict[str, dict[str, Snippet]]
) -> Iterator[tuple[str, Snippet]]:
    """Names that come from the package's other modules by `from ... import`, and names in those."""
    is_package = module.path.endswith("__init__.py")
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        source = _source(package, name.split(".") if name else [], node, is_package=is_package)
        for each in node.names:
            if source is None or source == name:
                continue
            here = each.asname or each.name
            if found := definitions.get(source, {}).get(each.name):
                yield here, found
            inside = definitions.get(f"{source}.{each.name}".lstrip("."), {})
            yield from ((f"{here}.{name}", snippet) for name, snippet in inside.items())


def _source(package: str, name: list[str], node: ast.ImportFrom, *, is_package: bool) -> str | None:
    """The module an import names, within the package; None for others'."""
    if not node.level:
        first, _, rest = (node.module or "").partition(".")
        return rest if first == package else None
    up = node.level - 1 if is_package else node.level
    base = name[: len(name) - up] if up else name
    return ".".join([*base, *([node.module] if node.module else [])])


def _place(package: str, module: _Module, line: int, definition: Snippet) -> Place:
    lines = module.text.split("\n")
    before = "".join(f"{each}\n" for each in lines[: line - 1])
    after = "\n" + "\n".join(lines[line:])
    start = max(0, len(before) - PREFIX_CHARS)
    if start:
        start = before.index("\n", start) + 1
    path = f"{package}/{definition.path}"
    return Place(
        package=package,
        path=module.path,
        line=line,
        prefix=before[start:],
        middle=lines[line - 1],
        suffix=after[:SUFFIX_CHARS],
        definition=Snippet(path, definition.start_line, definition.end_line, definition.text),
    )
