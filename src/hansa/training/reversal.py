"""How often a model undoes what was just typed: an eval of predictions that fight the person.

A person's edit makes `old` into `now`; a prediction makes `now` into `predicted`. How far it goes
back along the way the edit came is what it takes back, whatever else it writes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hansa.editor.distance import edit_distance
from hansa.training.pairs import Pair, Sampler

UNDOES_FROM = 0.5
"""A prediction undoes if at least this share of the edit is gone after it."""


@dataclass(frozen=True, slots=True)
class Case:
    old: str
    now: str
    predicted: str


@dataclass(frozen=True, slots=True)
class Reversals:
    cases: int
    """Those in which something had been changed and something was predicted."""
    ratio: float
    """How much of what was changed the predictions took back, 0 to 1; the mean over cases."""
    undone_share: float
    """Of cases in which it was at least half."""


def reversal_ratio(case: Case) -> float:
    """How much of the edit from `old` to `now` the prediction takes back, 0 to 1.

    By edit distance d, in characters: half of d(old, now) + d(now, predicted) - d(old, predicted),
    as a share of d(old, now). 1 for a plain undo, 0 for what only adds to the edit.
    Source: the Gromov product of a metric, at `now`.
    """
    typed = edit_distance(case.old, case.now)
    if not typed or case.now == case.predicted:
        return 0.0
    onward, across = (
        edit_distance(case.now, case.predicted),
        edit_distance(case.old, case.predicted),
    )
    return min(1.0, max(0.0, (typed + onward - across) / 2 / typed))


def measure(cases: Iterable[Case]) -> Reversals:
    """The eval; cases in which nothing was changed or nothing predicted are left out."""
    told = [each for each in cases if each.old != each.now and each.now != each.predicted]
    ratios = [reversal_ratio(each) for each in told]
    count = max(1, len(ratios))
    undone = sum(ratio >= UNDOES_FROM for ratio in ratios)
    return Reversals(len(ratios), sum(ratios) / count, undone / count)


def corrections(pairs: Iterable[Pair], sample: Sampler) -> Iterator[Case]:
    """Asks a model again where a person had changed a suggestion into what settled.

    The edit is theirs, from the suggestion to what settled; an answer that goes back to the
    suggestion takes it back. Pairs without a suggestion are left out.
    """
    for pair in pairs:
        if pair.suggestion:
            yield from (
                Case(pair.suggestion, pair.target, answer) for answer in sample(pair, 1)[:1]
            )
