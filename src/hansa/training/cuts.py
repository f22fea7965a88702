"""Where the middle is cut out of a text, and how much around it is seen.

Source: Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle", for the
cut between random characters; the other cuts are those that an editor and the infilling evals make.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from hansa.training.recipe import Cuts, Fim

LINES_MAX = 6
FUNCTION_LINES = range(4, 80)


@dataclass(frozen=True, slots=True)
class Cut:
    prefix: str
    middle: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A text of which middles are cut."""

    text: str
    starts: tuple[int, ...]
    """Offsets of the lines that may be middles; not blank, not in a docstring."""


def cuts_of(text: str, fim: Fim, rng: Random) -> Iterator[Cut]:
    """Examples from one document, as many as its length asks for; the same for the same `rng`."""
    functions = list(_functions(text))
    whole = Scene(text, tuple(_written_lines(text, frozenset())))
    for _ in range(max(1, round(len(text) / fim.per_chars))):
        scene = rng.choice(functions) if functions and rng.random() < fim.functions else whole
        cut = _cut(scene, fim, rng)
        if cut is not None:
            yield cut


def _cut(scene: Scene, fim: Fim, rng: Random) -> Cut | None:
    if not scene.starts:
        return None
    start, end = _choose(fim.cuts, rng)(scene, rng, fim.middle_chars)
    middle = scene.text[start:end]
    if not middle.strip() or len(middle) > fim.middle_chars:
        return None
    before = _window_start(scene.text, start, rng.randint(fim.window_chars // 6, fim.window_chars))
    after = _window_end(scene.text, end, rng.randint(fim.window_chars // 6, fim.window_chars))
    return Cut(scene.text[before:start], middle, scene.text[end:after])


_Chooser = Callable[[Scene, Random, int], tuple[int, int]]


def _choose(cuts: Cuts, rng: Random) -> _Chooser:
    choosers: list[_Chooser] = [_characters, _line, _rest_of_line, _lines]
    weights = (cuts.characters, cuts.line, cuts.rest_of_line, cuts.lines)
    return rng.choices(choosers, weights)[0]


def _characters(scene: Scene, rng: Random, chars_max: int) -> tuple[int, int]:
    start = rng.randrange(len(scene.text))
    return start, min(len(scene.text), start + rng.randint(1, chars_max))


def _line(scene: Scene, rng: Random, chars_max: int) -> tuple[int, int]:
    start = rng.choice(scene.starts)
    return _with_break(scene.text, start, _line_end(scene.text, start), rng)


def _rest_of_line(scene: Scene, rng: Random, chars_max: int) -> tuple[int, int]:
    start = rng.choice(scene.starts)
    end = _line_end(scene.text, start)
    return rng.randint(_indented(scene.text, start), max(start, end - 1)), end


def _lines(scene: Scene, rng: Random, chars_max: int) -> tuple[int, int]:
    start = rng.choice(scene.starts)
    end = _line_end(scene.text, start)
    for _ in range(rng.randint(1, LINES_MAX - 1)):
        further = _line_end(scene.text, end + 1)
        if end + 1 >= len(scene.text) or further - start > chars_max:
            break
        end = further
    return _with_break(scene.text, start, end, rng)


def _with_break(text: str, start: int, end: int, rng: Random) -> tuple[int, int]:
    """The break at the end is the middle's or the suffix's; callers do it either way."""
    return (start, end + 1) if rng.random() < 0.5 and end < len(text) else (start, end)


def _functions(text: str) -> Iterator[Scene]:
    """Functions outside of others, each alone."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines = [f"{line}\n" for line in text.split("\n")]  # as ast counts them: form feeds end none
    for node in _outer_functions(tree):
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        last = node.end_lineno or first
        if last - first + 1 not in FUNCTION_LINES:
            continue
        alone = "".join(lines[first - 1 : last])
        said = frozenset(line - first for line in _docstring_lines(node))
        head = frozenset(range(node.body[0].lineno - first))
        yield Scene(alone, tuple(_written_lines(alone, said | head)))


def _outer_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree.body:
        within = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in within:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield each


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> range:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)


def _written_lines(text: str, left_out: frozenset[int]) -> Iterator[int]:
    offset = 0
    for number, line in enumerate(text.split("\n")):
        if line.strip() and number not in left_out:
            yield offset
        offset += len(line) + 1


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _indented(text: str, start: int) -> int:
    line = text[start : _line_end(text, start)]
    return start + len(line) - len(line.lstrip())


def _window_start(text: str, at: int, chars: int) -> int:
    """A line's start at most `chars` before `at`, or the line of `at` itself."""
    begin = max(0, at - chars)
    if begin == 0:
        return 0
    line = text.find("\n", begin, at)
    return text.rfind("\n", 0, at) + 1 if line < 0 else line + 1


def _window_end(text: str, at: int, chars: int) -> int:
    end = text.rfind("\n", at, at + chars) if at + chars < len(text) else len(text)
    return _line_end(text, at + 1) if end < 0 else end
