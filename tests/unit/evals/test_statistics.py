"""Intervals and paired differences."""

import pytest

from hansa.evals.statistics import bootstrap, paired, percentile, wilson


def test_wilson_gives_the_published_values():
    found = wilson(10, 164)
    assert found.mean == pytest.approx(0.061, abs=5e-4)
    assert (found.low, found.high) == (
        pytest.approx(0.0335, abs=5e-4),
        pytest.approx(0.1087, abs=5e-4),
    )
    assert wilson(0, 164).low == 0
    assert wilson(164, 164).high == 1
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0)


def test_a_bootstrap_agrees_with_wilson_where_questions_are_independent():
    found = bootstrap([(1.0, 1)] * 50 + [(0.0, 1)] * 114)
    exact = wilson(50, 164)
    assert found.mean == pytest.approx(exact.mean)
    assert found.low == pytest.approx(exact.low, abs=0.02)
    assert found.high == pytest.approx(exact.high, abs=0.02)


def test_groups_that_go_together_make_an_interval_wider():
    alone = bootstrap([(1.0, 1), (0.0, 1)] * 100)
    together = bootstrap([(10.0, 10), (0.0, 10)] * 10)
    assert together.mean == alone.mean
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_bootstrap_is_the_same_each_time():
    values = [(1.0, 1), (0.0, 2), (3.0, 4)]
    assert bootstrap(values) == bootstrap(values)
    with pytest.raises(ValueError, match="nothing"):
        bootstrap([])


def test_a_clear_difference_is_real_and_none_is_not():
    names = [str(n) for n in range(100)]
    groups = {name: name for name in names}
    bad = {name: float(int(name) < 20) for name in names}
    good = {name: float(int(name) < 45) for name in names}
    found = paired(bad, good, groups)
    assert found.real
    assert found.interval.mean == pytest.approx(0.25)
    assert found.p < 0.01
    assert paired(good, bad, groups).interval.mean == pytest.approx(-0.25)
    same = paired(bad, bad, groups)
    assert not same.real
    assert same.p == 1.0


def test_a_difference_of_one_question_in_a_hundred_is_chance():
    names = [str(n) for n in range(100)]
    a = {name: float(int(name) < 20) for name in names}
    found = paired(a, a | {"20": 1.0}, {name: name for name in names})
    assert not found.real
    assert (found.questions, found.groups) == (100, 100)


def test_only_questions_of_both_count():
    found = paired({"a": 0.0, "b": 1.0}, {"b": 0.0, "c": 1.0}, {"a": "g", "b": "g"})
    assert (found.questions, found.interval.mean) == (1, -1.0)
    with pytest.raises(ValueError, match="nothing"):
        paired({"a": 1.0}, {"b": 1.0}, {"a": "a"})


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(share: float, value: int):
    assert percentile([float(n) for n in range(1, 101)], share) == value
