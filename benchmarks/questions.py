"""Real code and questions about it whose answers are known: what `retrieval.py` asks.

The code is packages that are installed here for Hansa itself. Their own docstrings and calls are
the questions, so nobody who wrote the search wrote them.
"""

import ast
import importlib.util
import keyword
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hansa.index.chunk import chunk

PACKAGES = (
    "aiohttp",
    "click",
    "jinja2",
    "markdown_it",
    "pygments",
    "rich",
    "starlette",
    "werkzeug",
)
SKIPPED_FOLDERS = ("lexers", "styles")
"""Of pygments: tables of words."""

LINES_ABOVE = 10
DOCSTRING_WORDS_MIN = 5
BODY_LINES_MIN = 3
PER_DEFINITION_MAX = 2
"""Questions about one definition, so that a few popular ones do not decide."""

_DULL = frozenset(
    name for kind in (str, bytes, list, dict, set, int, object, type) for name in dir(kind)
)
"""Methods that Python's own types have: a call does not say whose it is."""


@dataclass(frozen=True, slots=True)
class Question:
    query: str
    line: str
    """The line that needs the answer; empty where words are all there is."""
    asked_from: str
    """The path of that line's file; empty as above."""
    path: str
    line_no: int
    """Where the definition begins: the right chunk has this line. 1-based."""


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk of the code."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    text: str


class Code:
    """A folder of Python files and their chunks; a chunk is named by its place in `parts`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parts: list[Part] = []
        self._by_line: dict[str, list[int]] = {}
        for path in sorted(root.rglob("*.py")):
            self._take(path)

    def at(self, path: str, line_no: int) -> int:
        """The chunk that has this line; -1 if only white space is there."""
        lines = self._by_line.get(path, [])
        return lines[line_no - 1] if 0 < line_no <= len(lines) else -1

    def _take(self, path: Path) -> None:
        source = path.read_bytes()
        name, lines = path.relative_to(self.root).as_posix(), source.decode().split("\n")
        self._by_line[name] = [-1] * len(lines)
        for each in chunk(name, source):
            text = "\n".join(lines[each.start_line - 1 : each.end_line])
            if text.strip():
                self._by_line[name][each.start_line - 1 : each.end_line] = [len(self.parts)] * (
                    each.end_line - each.start_line + 1
                )
                self.parts.append(Part(name, each.start_line, each.end_line, each.symbol, text))


def plain_code(folder: Path) -> Path:
    """Copy the packages under `folder` as they are."""
    return _copied(folder, lambda source: source)


def bare_code(folder: Path) -> Path:
    """Copy the packages under `folder`, without the docstring of any function."""
    return _copied(folder, lambda source: _without_docstrings(source)[0])


def docstring_questions(count: int, seed: int) -> list[Question]:
    """The first paragraph of a docstring asks for its function, which has lost it."""
    found: dict[str, Question | None] = {}
    for path, source in _sources():
        for query, line_no in _without_docstrings(source)[1]:
            found[query] = None if query in found else Question(query, "", "", path, line_no)
    return _some([each for each in found.values() if each], count, seed)


def definition_questions(count: int, seed: int) -> list[Question]:
    """A line asks for what it calls, which another file of its package defines, once."""
    found: list[Question] = []
    for package in PACKAGES:
        files = [(path, source) for path, source in _sources() if path.startswith(f"{package}/")]
        trees = [(path, source, ast.parse(source)) for path, source in files]
        places: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for path, _, tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    places[node.name].append((path, node.lineno))
        for path, source, tree in trees:
            found += _calls(path, source, tree, places)
    by_answer: dict[tuple[str, int], list[Question]] = defaultdict(list)
    for each in _some(found, len(found), seed):
        if len(by_answer[each.path, each.line_no]) < PER_DEFINITION_MAX:
            by_answer[each.path, each.line_no].append(each)
    return _some([each for some in by_answer.values() for each in some], count, seed)


def names_in(line: str) -> list[str]:
    """Identifiers of a line, keywords and strings left out where they can be told."""
    names: list[str] = []
    word = ""
    for char in f"{line} ":
        if char.isalnum() or char == "_":
            word += char
            continue
        if word and not word[0].isdigit() and not keyword.iskeyword(word):
            names.append(word)
        word = ""
    return list(dict.fromkeys(names))


def _calls(
    path: str, source: str, tree: ast.Module, places: dict[str, list[tuple[str, int]]]
) -> Iterator[Question]:
    lines = source.split("\n")
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name):
            name, sure = called.id, called.id in imported
        elif isinstance(called, ast.Attribute):
            name, sure = called.attr, called.attr not in _DULL
        else:
            continue
        where = places.get(name, [])
        if not sure or name.startswith("__") or len(where) != 1 or where[0][0] == path:
            continue
        line_no = called.end_lineno or node.lineno
        above = lines[max(0, line_no - 1 - LINES_ABOVE) : line_no]
        yield Question("\n".join(above), lines[line_no - 1], path, *where[0])


def _without_docstrings(source: str) -> tuple[str, list[tuple[str, int]]]:
    """The source without its functions' docstrings; first paragraphs, and where each now is."""
    lines: list[str | None] = list(source.split("\n"))
    cut: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        if (
            not isinstance(first, ast.Expr)
            or not isinstance(first.value, ast.Constant)
            or not isinstance(first.value.value, str)
        ):
            continue
        start, end = first.lineno - 1, first.end_lineno or first.lineno
        if start < node.lineno or lines[start] is None:
            continue
        for n in range(start, end):
            lines[n] = None
        if len(node.body) == 1:
            lines[start] = " " * first.col_offset + "..."
        words = (ast.get_docstring(node) or "").split("\n\n")[0].split()
        telling = len(words) >= DOCSTRING_WORDS_MIN and not words[0].startswith((":", ".."))
        if telling and (node.end_lineno or 0) - end >= BODY_LINES_MIN:
            cut.append((" ".join(words), node.lineno))
    before = [0]
    for line in lines:
        before.append(before[-1] + (line is not None))
    return "\n".join(line for line in lines if line is not None), [
        (query, before[line_no]) for query, line_no in cut
    ]


def _sources() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None, f"{package} is not installed"
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            inside = path.relative_to(root.parent)
            if not set(inside.parts) & set(SKIPPED_FOLDERS):
                yield inside.as_posix(), path.read_bytes().decode().replace("\r\n", "\n")


def _copied(folder: Path, change: Callable[[str], str]) -> Path:
    for path, source in _sources():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(change(source), "utf-8", newline="\n")
    return folder


def _some(questions: list[Question], count: int, seed: int) -> list[Question]:
    ordered = sorted(
        questions, key=lambda each: (each.asked_from, each.path, each.line_no, each.query)
    )
    return random.Random(seed).sample(ordered, min(count, len(ordered)))
