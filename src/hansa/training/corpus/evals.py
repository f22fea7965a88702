"""What a corpus must not hold if its model is measured by `hansa eval`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hansa.evals.packages import HELD_OUT
from hansa.evals.problems import load_problems
from hansa.training.corpus.optout import OptOut, plain_name


def eval_texts(state_dir: Path) -> Iterator[str]:
    """HumanEval's problems with their solutions, of which the infilling sets are made too.

    Raises:
        FetchFailed, IntegrityError, StorageError: the problems cannot be had.
    """
    for problem in load_problems(state_dir):
        yield problem.prompt + problem.canonical_solution


def without_held_out(opt_out: OptOut | None) -> OptOut:
    """The same list, and the packages of the repository set with it, of whatever version."""
    known = opt_out or OptOut()
    return replace(known, names=known.names | {plain_name(each.name) for each in HELD_OUT})
