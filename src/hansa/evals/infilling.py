"""Three sets of holes in HumanEval's own solutions: a line, some lines, or any span of characters.

Lines are told apart by newlines and counted from 0. A hole of lines leaves both newlines around it
in place, so that what is missing ends where its last line does. Source: "Efficient Training of
Language Models to Fill in the Middle" (2022) and, for the sets of lines, "InCoder" (2022). The
counts are theirs: 1,033 lines, 5,815 runs of lines, 1,640 spans.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hansa.evals.problems import Problem

SPANS_PER_PROBLEM = 10
SPAN_SEED = 2022
"""The published spans came from another generator; these are others of the same kind."""


class Hole(msgspec.Struct, frozen=True):
    """prefix + middle + suffix is the problem's prompt and its canonical solution."""

    task_id: str
    """Like `SingleLineInfilling/HumanEval/0/L3`, as published."""
    problem: str
    """The task of HumanEval it was made from."""
    prefix: str
    middle: str
    """What belongs into the hole; never blank for holes of lines."""
    suffix: str


def single_line(problems: Iterable[Problem]) -> tuple[Hole, ...]:
    """A hole for each line that is not blank."""
    return tuple(hole for each in problems for hole in _single_line(each))


def multi_line(problems: Iterable[Problem]) -> tuple[Hole, ...]:
    """A hole for each run of lines whose first and last are not blank."""
    return tuple(hole for each in problems for hole in _multi_line(each))


def random_span(problems: Iterable[Problem], seed: int = SPAN_SEED) -> tuple[Hole, ...]:
    """Ten spans of characters for each problem, their two ends drawn evenly; none is empty."""
    return tuple(hole for each in problems for hole in _random_span(each, seed))


SETS: dict[str, Callable[[Sequence[Problem]], tuple[Hole, ...]]] = {
    "single-line": single_line,
    "multi-line": multi_line,
    "random-span": random_span,
}
"""By the names that `hansa eval infill` knows."""


def _single_line(problem: Problem) -> Iterator[Hole]:
    lines = problem.canonical_solution.split("\n")
    for line in _written(lines):
        name = f"SingleLineInfilling/{problem.task_id}/L{line}"
        yield _hole_of_lines(problem, name, lines, line, line)


def _multi_line(problem: Problem) -> Iterator[Hole]:
    lines = problem.canonical_solution.split("\n")
    written = _written(lines)
    for place, first in enumerate(written):
        for last in written[place:]:
            name = f"MultiLineInfilling/{problem.task_id}/L{first}_L{last}"
            yield _hole_of_lines(problem, name, lines, first, last)


def _random_span(problem: Problem, seed: int) -> Iterator[Hole]:
    draw = random.Random(f"{seed} {problem.task_id}")  # noqa: S311 - a sample, no secret
    solution = problem.canonical_solution
    for number in range(SPANS_PER_PROBLEM):
        start, end = sorted(draw.sample(range(len(solution) + 1), 2))
        name = f"RandomSpanInfilling/{problem.task_id}/{number}"
        yield _hole(problem, name, start, end)


def _written(lines: Sequence[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.strip()]


def _hole_of_lines(
    problem: Problem, name: str, lines: Sequence[str], first: int, last: int
) -> Hole:
    """The hole from the start of one line to the end of another, without the newline after it."""
    start = sum(len(line) + 1 for line in lines[:first])
    end = sum(len(line) + 1 for line in lines[: last + 1]) - 1
    return _hole(problem, name, start, end)


def _hole(problem: Problem, name: str, start: int, end: int) -> Hole:
    solution = problem.canonical_solution
    return Hole(
        task_id=name,
        problem=problem.task_id,
        prefix=problem.prompt + solution[:start],
        middle=solution[start:end],
        suffix=solution[end:],
    )
