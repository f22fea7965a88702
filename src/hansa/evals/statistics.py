"""How sure a figure is: intervals, and whether two models really differ."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DRAWS = 5_000
CONFIDENCE = 0.95
_Z = 1.959964
"""Of the normal distribution, for that confidence."""

Group = tuple[float, int]
"""Sum and number of the values of one group of questions that are not independent."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the range that holds the true one with 95 % confidence."""

    mean: float
    low: float
    high: float
    method: str


def wilson(passed: int, of: int) -> Interval:
    """Interval of a share of independent questions. Source: Wilson (1927).

    Raises:
        ValueError: there is nothing to take a share of.
    """
    if of < 1:
        raise ValueError("no share of nothing")
    share, spread = passed / of, _Z * _Z / of
    middle = share + spread / 2
    wide = _Z * math.sqrt(share * (1 - share) / of + spread / of / 4)
    low, high = (middle - wide) / (1 + spread), (middle + wide) / (1 + spread)
    return Interval(share, max(0.0, low), min(1.0, high), "Wilson")


def bootstrap(groups: Sequence[Group], seed: int = 0) -> Interval:
    """Interval of a mean, by drawing whole groups again. Source: Efron (1979), percentile method.

    Raises:
        ValueError: there are no values.
    """
    mean = _mean(groups)
    draw = random.Random(seed)  # noqa: S311 - resampling, no secret
    means = sorted(_mean(draw.choices(groups, k=len(groups))) for _ in range(DRAWS))
    low, high = _ends(means)
    return Interval(mean, low, high, f"bootstrap over {len(groups)} groups")


@dataclass(frozen=True, slots=True)
class Difference:
    """What `b` has more than `a`, on the same questions."""

    interval: Interval
    p: float
    """Two-sided: how often chance alone draws a difference this far from none."""
    groups: int
    questions: int

    @property
    def real(self) -> bool:
        """Whether the interval leaves no room for none."""
        return self.interval.low > 0 or self.interval.high < 0


def paired(
    a: Mapping[str, float], b: Mapping[str, float], group_of: Mapping[str, str], seed: int = 0
) -> Difference:
    """Compare values by question; whole groups are drawn again, each with both its values.

    Raises:
        ValueError: no question is in both.
    """
    shared = [each for each in a if each in b]
    sums: dict[str, tuple[float, int]] = {}
    for each in shared:
        total, count = sums.get(group_of[each], (0.0, 0))
        sums[group_of[each]] = (total + b[each] - a[each], count + 1)
    groups = list(sums.values())
    mean = _mean(groups)
    draw = random.Random(seed)  # noqa: S311 - resampling, no secret
    means = sorted(_mean(draw.choices(groups, k=len(groups))) for _ in range(DRAWS))
    low, high = _ends(means)
    below = sum(each <= 0 for each in means)
    above = sum(each >= 0 for each in means)
    p = min(1.0, 2 * (min(below, above) + 1) / (DRAWS + 1))
    interval = Interval(mean, low, high, f"paired bootstrap over {len(groups)} groups")
    return Difference(interval, p, len(groups), len(shared))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed; nearest rank.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no percentile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _mean(groups: Sequence[Group]) -> float:
    count = sum(count for _, count in groups)
    if not count:
        raise ValueError("no mean of nothing")
    return sum(total for total, _ in groups) / count


def _ends(means: Sequence[float]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    return percentile(means, tail), percentile(means, 1 - tail)
