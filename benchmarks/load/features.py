"""What Hansa is measured without, or with besides, to say what each of its features costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that differs: keys of the replicas or of the tier, or the environment.

    A key of a replica that is None is left out of the settings.
    """

    name: str
    replica: Mapping[str, object] = field(default_factory=dict)
    tier: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    in_memory: bool = False
    """Its state is on `MEMORY`."""
    traced: bool = False
    """It reports to a collector, for which the upstream stands in."""
    copies: int = 1
    """Replicas of each model."""
    added: bool = False
    """It is on here, and off in the gateway that is compared with the peers."""


FEATURES = (
    Feature(
        "a call to the engine over HTTP",
        replica={"engine": "mock", "url": None, "upstream_model": None},
    ),
    Feature("receipts flushed to the disk", in_memory=True),
    Feature(
        "limits on requests, tokens and spend",
        tier={"requests_per_minute": 0, "tokens_per_minute": 0, "monthly_spend_usd": 0},
    ),
    Feature("a choice among 10 replicas", copies=10, added=True),
    Feature("traces and metrics sent to a collector", traced=True, added=True),
)
