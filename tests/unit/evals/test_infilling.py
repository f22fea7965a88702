"""Holes in HumanEval's solutions."""

from collections import Counter

import pytest

from hansa.evals.infilling import SETS, Hole, multi_line, random_span, single_line
from hansa.evals.problems import Problem

PROBLEM = Problem("T/0", "def f():\n", "f", "    a = 1\n\n    return a\n", "")


@pytest.mark.parametrize(
    ("name", "count"), [("single-line", 1033), ("multi-line", 5815), ("random-span", 1640)]
)
def test_counts_are_the_published_ones(problems: tuple[Problem, ...], name: str, count: int):
    holes = SETS[name](problems)
    assert len(holes) == count
    assert len({hole.task_id for hole in holes}) == count
    whole = {each.task_id: each.prompt + each.canonical_solution for each in problems}
    assert all(hole.prefix + hole.middle + hole.suffix == whole[hole.problem] for hole in holes)
    assert all(hole.middle for hole in holes)


def test_a_line_is_masked_from_its_start_to_its_end():
    assert single_line([PROBLEM]) == (
        Hole("SingleLineInfilling/T/0/L0", "T/0", "def f():\n", "    a = 1", "\n\n    return a\n"),
        Hole("SingleLineInfilling/T/0/L2", "T/0", "def f():\n    a = 1\n\n", "    return a", "\n"),
    )


def test_a_run_of_lines_begins_and_ends_with_written_ones():
    middles = [hole.middle for hole in multi_line([PROBLEM])]
    assert middles == ["    a = 1", "    a = 1\n\n    return a", "    return a"]


def test_spans_are_drawn_anew_for_each_seed_and_the_same_for_one():
    assert random_span([PROBLEM], 1) == random_span([PROBLEM], 1)
    assert random_span([PROBLEM], 1) != random_span([PROBLEM], 2)


def test_spans_of_a_problem_do_not_depend_on_the_others(problems: tuple[Problem, ...]):
    alone = random_span(problems[7:8])
    assert alone == random_span(problems)[70:80]
    assert set(Counter(hole.problem for hole in random_span(problems)).values()) == {10}
