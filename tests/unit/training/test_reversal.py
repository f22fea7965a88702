"""What a prediction takes back of an edit, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.training.pairs import Pair
from hansa.training.reversal import Case, Reversals, corrections, measure, reversal_ratio

short = st.text("ab \n", max_size=12)


@pytest.mark.parametrize(
    ("old", "now", "predicted", "ratio"),
    [
        ("f(", "f(abcd", "f(", 1.0),
        ("f(", "f(abcd", "f(abcd)", 0.0),
        ("f(", "f(abcd", "f(ab", 0.5),
        ("total", "t", "total", 1.0),
        ("a = 1", "a = 2", "a = 3", 0.5),
        ("a", "a", "b", 0.0),
        ("a", "b", "b", 0.0),
    ],
)
def test_the_ratio(old: str, now: str, predicted: str, ratio: float) -> None:
    assert reversal_ratio(Case(old, now, predicted)) == pytest.approx(ratio)


@given(short, short, short)
def test_it_is_a_share_and_an_undo_is_all_of_it(old: str, now: str, predicted: str) -> None:
    assert 0.0 <= reversal_ratio(Case(old, now, predicted)) <= 1.0
    assert reversal_ratio(Case(old, now, old)) == float(old != now)


@given(short, short, short)
def test_only_adding_takes_nothing_back(old: str, put: str, more: str) -> None:
    assert reversal_ratio(Case(old, old + put, old + put + more)) == 0.0


def test_the_eval_counts_what_can_be_undone() -> None:
    cases = [
        Case("", "abcd", ""),
        Case("", "abcd", "abcde"),
        Case("a", "a", ""),
        Case("", "b", "b"),
    ]
    assert measure(cases) == Reversals(cases=2, ratio=0.5, undone_share=0.5)
    assert measure([]) == Reversals(0, 0.0, 0.0)


def test_a_corrected_suggestion_that_comes_again_is_a_reversal() -> None:
    pairs = [Pair("python", "p", "s", "sum(a, b)", "sum(a)"), Pair("python", "p", "s", "x", "")]
    again = measure(corrections(pairs, lambda pair, count: [pair.suggestion] * count))
    learnt = measure(corrections(pairs, lambda pair, count: [pair.target + ")"] * count))
    assert (again.cases, again.ratio) == (1, 1.0)
    assert learnt.ratio == 0.0
