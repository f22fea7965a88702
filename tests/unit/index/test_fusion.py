"""Rankings made one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.index.fusion import K, fuse

rankings = st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=4)


def test_what_two_rankings_have_comes_before_what_one_has() -> None:
    assert [key for key, _ in fuse([["a", "b"], ["c", "b"]])] == ["b", "a", "c"]


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    assert fuse([["a"], ["b", "a"]], k=1) == [("a", pytest.approx(1 / 2 + 1 / 3)), ("b", 0.5)]


def test_a_weight_decides_between_equals() -> None:
    assert fuse([["a"], ["b"]], weights=[1, 2])[0] == ("b", pytest.approx(2 / (K + 1)))


def test_a_key_counts_once_in_a_ranking() -> None:
    assert fuse([["a", "a", "b"]]) == fuse([["a", "b"]])


@pytest.mark.parametrize(("k", "weights"), [(-1, None), (60, [1.0]), (60, [1.0, 1.0, 1.0])])
def test_what_makes_no_sense_is_refused(k: int, weights: list[float] | None) -> None:
    with pytest.raises(ValueError, match=r"negative|rankings"):
        fuse([["a"], ["b"]], k, weights)


@given(rankings)
def test_every_key_comes_once_and_scores_fall(some: list[list[int]]) -> None:
    fused = fuse(some)
    assert sorted(key for key, _ in fused) == sorted({key for ranking in some for key in ranking})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.integers(), unique=True))
def test_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [key for key, _ in fuse([ranking])] == ranking
