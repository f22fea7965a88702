"""What members agree on before they train together, and what that promises each of them."""

import math
from pathlib import Path
from typing import Annotated

import msgspec

from hansa.core.errors import ConfigError
from hansa.models.profile import FimTokens
from hansa.training.recipe import Count, Lora

Positive = Annotated[float, msgspec.Meta(gt=0)]
Weight = Annotated[float, msgspec.Meta(ge=0)]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One TOML file, the same at the coordinator and at every member, who may say no to it."""

    name: str
    base: str
    """A model of the catalog, or a folder in transformers' format."""
    tokens: FimTokens
    """As the model is asked when it is served."""
    seed: int = 0
    """Of the adapter's fixed half, which all have to have alike."""
    rounds: Count = 5
    steps: Count = 20
    """Of each member in each round."""
    rows: Count = 4
    row_tokens: Count = 512
    learning_rate: Positive = 2e-3
    lora: Lora = Lora(rank=8, alpha=16.0)
    clip: Positive = 1.0
    """L2 norm of what a member sends at most, before noise."""
    noise: Weight = 0.0
    """Standard deviation of the noise on each number, as a share of `clip`."""
    members_min: Annotated[int, msgspec.Meta(ge=2)] = 3
    """A round with fewer answers is not counted."""
    pairs_min: Count = 20
    """A member with fewer does not take part."""
    answer_s: Positive = 3600.0
    """How long a round waits for members."""


def read_plan(path: Path) -> Plan:
    """Raises ConfigError, naming the field, for a plan that cannot be followed."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise ConfigError(f"cannot read the plan {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="docs/federated.md shows one") from error


def epsilon(noise: float, rounds: int, delta: float = 1e-5) -> float:
    """The epsilon of (epsilon, delta)-differential privacy of one member towards the coordinator.

    The unit is a member: neighbours differ in all of one member's pairs, so what it sends may
    differ by twice the clip. Each round is a Gaussian mechanism of 2 / `noise`; rounds add up.
    Infinite without noise. What floating point leaks of a Gaussian is not counted (Mironov 2012).

    Source: Bun and Steinke 2016, zero-concentrated differential privacy, propositions 1.3 and 1.6.
    """
    if not 0 < delta < 1:
        raise ValueError("delta lies between 0 and 1")
    if noise <= 0:
        return math.inf
    rho = rounds * 2.0**2 / (2 * noise**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))
