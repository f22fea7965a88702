"""What a member sends and what a coordinator makes of it: numbers, bounded, noised, averaged."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]
"""By the name of the adapter's part."""


def norm(update: Mapping[str, NDArray[np.float32]]) -> float:
    """L2 norm over all parts together."""
    return math.sqrt(
        sum(float(np.square(each, dtype=np.float64).sum()) for each in update.values())
    )


def sent(update: Arrays, clip: float, noise: float, rng: np.random.Generator) -> Arrays:
    """What leaves a member: of norm `clip` at most, with Gaussian noise of `noise * clip` on it.

    What is not a number is taken for zero, so that one overflow does not undo the bound.
    """
    finite = {name: np.nan_to_num(each, posinf=0.0, neginf=0.0) for name, each in update.items()}
    scale = min(1.0, clip / max(norm(finite), 1e-12))
    return {
        name: (each * scale + rng.normal(0.0, noise * clip, each.shape)).astype(np.float32)
        for name, each in finite.items()
    }


def fits(
    update: Mapping[str, NDArray[np.float32]], like: Arrays, clip: float, noise: float
) -> bool:
    """Whether an update may be counted: its parts are the adapter's, finite, and not too large.

    With noise a norm is at most that of `clip` and of what noise in so many numbers is near to;
    1.5 times that is never reached by chance in an adapter of more than a few numbers.
    """
    if update.keys() != like.keys():
        return False
    for name, each in update.items():
        if each.dtype != np.float32 or each.shape != like[name].shape:
            return False
        if not np.isfinite(each).all():
            return False
    size = sum(each.size for each in like.values())
    return norm(update) <= 1.5 * clip * (1.0 + noise * math.sqrt(size))


def averaged(updates: Sequence[Arrays]) -> Arrays:
    """The mean; each member weighs the same, however many pairs it has. Raises ValueError: none."""
    if not updates:
        raise ValueError("no update to average")
    return {
        name: np.stack([each[name] for each in updates]).mean(0, np.float64).astype(np.float32)
        for name in updates[0]
    }


def added(arrays: Arrays, update: Arrays) -> Arrays:
    """The adapter after an update."""
    return {name: (each + update[name]).astype(np.float32) for name, each in arrays.items()}
