"""pass@k, exact match, edit similarity."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.evals.scoring import edit_similarity, exact_match, pass_at_k


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_draws_that_hold_a_passing_sample(samples: int, data):
    passed = data.draw(st.integers(0, samples))
    k = data.draw(st.integers(1, samples))
    draws = list(itertools.combinations([True] * passed + [False] * (samples - passed), k))
    share = sum(any(draw) for draw in draws) / len(draws)
    assert pass_at_k(samples, passed, k) == pytest.approx(share)


@pytest.mark.parametrize(("samples", "passed", "k"), [(1, 0, 2), (1, 2, 1), (3, 1, 0)])
def test_pass_at_k_wants_k_samples(samples: int, passed: int, k: int):
    with pytest.raises(ValueError, match="no pass@"):
        pass_at_k(samples, passed, k)


@pytest.mark.parametrize(
    ("text", "target", "exact"),
    [
        ("    return 1", "    return 1", True),
        ("    return 1  ", "    return 1", True),
        ("    return 1\n\n", "    return 1", True),
        ("a  \nb", "a\nb", True),
        ("  return 1", "    return 1", False),
        ("return 1", "return 2", False),
        ("", "x", False),
    ],
)
def test_white_space_at_ends_does_not_count_but_indentation_does(
    text: str, target: str, exact: bool
):
    assert exact_match(text, target) is exact


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [("", "", 1.0), ("abc", "abc", 1.0), ("abc", "", 0.0), ("kitten", "sitting", 1 - 3 / 7)],
)
def test_edit_similarity(one: str, other: str, similarity: float):
    assert edit_similarity(one, other) == pytest.approx(similarity)


@given(st.text(max_size=12), st.text(max_size=12))
def test_similarity_goes_both_ways_and_is_whole_only_for_the_same(one: str, other: str):
    similarity = edit_similarity(one, other)
    assert similarity == edit_similarity(other, one)
    assert 0 <= similarity <= 1
    assert (similarity == 1) is exact_match(one, other)
