"""Whether one run is really better than another: the same questions, paired."""

import msgspec

from hansa.core.errors import UserError
from hansa.evals.report import VALUES, values_of
from hansa.evals.statistics import paired
from hansa.evals.store import Sample


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What B has more than A, 0 to 1."""

    measure: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    method: str
    p: float
    real: bool
    """The 95 % interval leaves no room for no difference."""
    questions: int
    """Those both were asked."""
    left_out: int
    """Those only one was asked."""
    better: int
    """Questions on which B is better."""
    worse: int


def compare(a: list[Sample], b: list[Sample], measure: str) -> Comparison:
    """Raises UserError where the runs share no question with that measure."""
    ours, theirs = values_of(a, measure), values_of(b, measure)
    shared = [task for task in ours if task in theirs]
    if not shared:
        raise UserError(
            f"the runs share no question of which {measure} is measured",
            hint=f"compare runs of one benchmark; --measure is one of {', '.join(VALUES)}",
        )
    difference = paired(ours, theirs, {each.task_id: each.group for each in a})
    interval = difference.interval
    return Comparison(
        measure=measure,
        a=sum(ours[task] for task in shared) / len(shared),
        b=sum(theirs[task] for task in shared) / len(shared),
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        p=difference.p,
        real=difference.real,
        questions=len(shared),
        left_out=len(ours.keys() ^ theirs.keys()),
        better=sum(theirs[task] > ours[task] for task in shared),
        worse=sum(theirs[task] < ours[task] for task in shared),
    )


def measure_of(a: list[Sample], b: list[Sample]) -> str:
    """The first measure that both runs have: pass, exact, similarity."""
    for name in VALUES:
        if values_of(a, name) and values_of(b, name):
            return name
    raise UserError("the runs have no measure in common", hint="compare runs of one benchmark")
