"""The error tree says the same in its docstring and its classes."""

import re

import pytest

from hansa.core import errors
from hansa.core.errors import HansaError, PolicyRefusal

CLASSES = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, HansaError) and each is not HansaError
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_class_is_drawn_and_has_its_own_code(kind: type[HansaError]):
    assert errors.__doc__
    assert re.search(rf"[+x] {kind.__name__}\b", errors.__doc__)
    assert 400 <= kind.status < 600
    assert kind.exit_code in {1, 2}
    assert [each for each in CLASSES if each.code == kind.code] == [kind]


def test_only_what_is_unavailable_or_limited_is_worth_another_try():
    retryable = {kind.__name__ for kind in CLASSES if kind.retryable}
    assert retryable == {
        "DeadlineUnmet", "EngineUnavailable", "NodeDraining", "PeerUnavailable", "RateLimited",
    }  # fmt: skip


def test_an_error_reads_as_what_happened_and_what_to_do():
    assert str(HansaError("it broke", hint="mend it")) == "it broke (mend it)"
    assert str(HansaError("it broke")) == "it broke"
    assert PolicyRefusal("no", rule="residency").rule == "residency"
