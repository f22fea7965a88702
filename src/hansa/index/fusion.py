"""Several rankings made one, by rank alone: their scores need not be comparable."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

K = 60
"""How little the first places differ. Source: Cormack, Clarke, Buettcher, SIGIR 2009."""


def fuse(
    rankings: Sequence[Sequence[Key]], k: int = K, weights: Sequence[float] | None = None
) -> list[tuple[Key, float]]:
    """Keys with the sum of `weight / (k + rank)` over the rankings that have them, best first.

    Ranks begin at 1; a key that a ranking has twice counts at its first place. Of equals, the one
    met first comes first, so an order does not change from run to run.

    Raises:
        ValueError: `k` is negative, or there are not as many weights as rankings.
    """
    if k < 0:
        raise ValueError(f"k is {k}; it must not be negative")
    if weights is not None and len(weights) != len(rankings):
        raise ValueError(f"{len(rankings)} rankings, but {len(weights)} weights")
    scores: dict[Key, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, key in enumerate(dict.fromkeys(ranking), start=1):
            scores[key] = scores.get(key, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
