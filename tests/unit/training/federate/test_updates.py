"""What leaves a member is bounded and noised, and what comes in is looked at before it counts."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numbers

from hansa.core.errors import ConfigError
from hansa.training.federate.plan import epsilon, read_plan
from hansa.training.federate.updates import Arrays, added, averaged, fits, norm, sent
from support.repository import ROOT

PAGE = (ROOT / "docs/federated.md").read_text("utf-8")
PLAN = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
"""The plan that is documented."""

LIKE: Arrays = {"a": np.zeros((3, 2), np.float32), "b": np.zeros(4, np.float32)}


def update(value: float) -> Arrays:
    return {name: np.full_like(each, value) for name, each in LIKE.items()}


@given(numbers(np.float32, (3, 2)), st.floats(0.01, 10))
def test_no_update_is_longer_than_the_clip(values: np.ndarray, clip: float) -> None:
    out = sent({"a": values}, clip, 0.0, np.random.default_rng(1))
    assert np.isfinite(out["a"]).all()
    assert norm(out) <= clip * 1.001


def test_a_short_one_is_sent_as_it_is() -> None:
    out = sent(update(0.1), 5.0, 0.0, np.random.default_rng(1))
    assert all(np.array_equal(out[name], each) for name, each in update(0.1).items())


def test_noise_is_of_the_size_that_was_asked() -> None:
    zeros = {"a": np.zeros(20_000, np.float32)}
    first = sent(zeros, 2.0, 0.5, np.random.default_rng(1))["a"]
    second = sent(zeros, 2.0, 0.5, np.random.default_rng(2))["a"]
    assert first.std() == pytest.approx(1.0, rel=0.05)
    assert not np.array_equal(first, second)


def test_members_weigh_the_same() -> None:
    mean = averaged([update(1.0), update(2.0), update(6.0)])
    assert all((each == 3.0).all() for each in mean.values())
    assert all((each == 4.0).all() for each in added(update(1.0), mean).values())
    with pytest.raises(ValueError, match="no update"):
        averaged([])


def test_what_does_not_fit_does_not_count() -> None:
    assert fits(update(0.1), LIKE, 1.0, 0.0)
    assert not fits(update(9.0), LIKE, 1.0, 0.0)
    assert not fits(update(math.nan), LIKE, 1.0, 0.0)
    assert not fits({"a": LIKE["a"]}, LIKE, 1.0, 0.0)
    assert not fits({**LIKE, "b": np.zeros(5, np.float32)}, LIKE, 1.0, 0.0)
    assert not fits({**LIKE, "b": np.zeros(4)}, LIKE, 1.0, 0.0)  # type: ignore[dict-item]  a wrong type is what it tests


@given(st.integers(0, 1000))
def test_an_honest_noised_update_counts(seed: int) -> None:
    like: Arrays = {"a": np.zeros(500, np.float32)}
    rng = np.random.default_rng(seed)
    assert fits(sent({"a": np.ones(500, np.float32)}, 1.0, 0.5, rng), like, 1.0, 0.5)


def test_epsilon_by_hand() -> None:
    assert epsilon(0.0, 1) == math.inf
    assert epsilon(2.0, 2, delta=math.exp(-1)) == pytest.approx(1 + 2)
    assert epsilon(4.0, 5) < epsilon(2.0, 5) < epsilon(2.0, 6)
    with pytest.raises(ValueError, match="delta"):
        epsilon(1.0, 1, delta=1.0)


def test_a_plan_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    plan = read_plan(path)
    assert (plan.rounds, plan.members_min, plan.noise) == (8, 3, 0.5)
    path.write_text(PLAN.replace("members_min = 3", "members_min = 1"))
    with pytest.raises(ConfigError, match="members_min"):
        read_plan(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_plan(tmp_path / "none")
