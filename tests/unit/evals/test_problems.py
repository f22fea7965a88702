"""HumanEval's problems as their package ships them."""

import gzip

import pytest

from hansa.core.errors import IntegrityError
from hansa.evals.problems import Problem, parse_problems


def test_there_are_164_in_their_order(problems: tuple[Problem, ...]):
    assert [each.task_id for each in problems] == [f"HumanEval/{n}" for n in range(164)]
    assert all(each.prompt.endswith("\n") for each in problems)
    assert all(each.canonical_solution.endswith("\n") for each in problems)


@pytest.mark.parametrize("packed", [b"no gzip", gzip.compress(b"{}\n"), gzip.compress(b"x")])
def test_what_are_no_problems_is_refused(packed: bytes):
    with pytest.raises(IntegrityError, match="no problems"):
        parse_problems(packed)
