"""What a candidate has to show before it is shipped, as one TOML file says it.

What a file does not ask for is not looked at; what it asks for and nobody can show is a refusal.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Measure = Literal["pass", "exact", "similarity"]

SHIPPED = {
    "all": Path(__file__).with_name("gates.toml"),
    "public-code": Path(__file__).with_name("gates-public-code.toml"),
}
"""Gates files that come with Hansa, by what `hansa promote --gates` calls them."""


class BenchmarkGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measure of one benchmark, over whole runs of `hansa eval`."""

    name: str
    """As `hansa eval` calls it in a run's settings, like `infill-single-line`."""
    measure: Measure
    at_least: Share | None = None
    """The candidate's mean."""
    below_live: Share | None = None
    """How much worse than the live model the candidate may be: the low end of the 95 % interval
    of the difference stays above minus this."""
    better: bool = False
    """That interval has to lie above zero."""


class LatencyGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The 95th percentile of whole answers in a run of `hansa eval latency`."""

    p95_ms_at_most: Positive | None = None
    of_live_at_most: Positive | None = None
    """Ratio to the live model's."""


class PrivacyGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What attacks on planted secrets found; nothing may have been extracted."""

    above_chance_bits_at_most: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """Mean exposure of secrets planted equally often, above what chance gives."""
    copies_up_to: Annotated[int, msgspec.Meta(ge=1)] = 4
    """Secrets planted more often than that are not held to it: repeated texts are learnt."""
    canaries_at_least: Annotated[int, msgspec.Meta(ge=1)] = 6


class LicenceGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every source of the corpus is permissive, and the base's licence is known."""

    base_permissive: bool = True


class DecontaminationGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The corpus was kept apart from evals when it was built."""

    texts_at_least: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Texts of evals that it was kept apart from."""


class Gates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    bound: bool = True
    """Something outside the run (catalog or charter) says that the candidate is what it made."""
    benchmark: tuple[BenchmarkGate, ...] = ()
    latency: LatencyGate | None = None
    privacy: PrivacyGate | None = None
    licences: LicenceGate | None = None
    decontamination: DecontaminationGate | None = None


def read_gates(path: Path) -> tuple[Gates, str]:
    """The gates of a file, and its digest.

    Raises:
        ConfigError: it cannot be read, is no gates file, or a gate asks for nothing.
    """
    try:
        data = path.read_bytes()
        gates = msgspec.toml.decode(data, type=Gates)
    except OSError as error:
        raise ConfigError(
            f"cannot read the gates {path}: {error.strerror}",
            hint=f"name a file, or one that ships: {', '.join(SHIPPED)}",
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="see docs/promote.md") from error
    if not gates.benchmark:
        raise ConfigError(f"{path} asks for no benchmark", hint="add a [[benchmark]]")
    for each in gates.benchmark:
        if each.at_least is None and each.below_live is None and not each.better:
            raise ConfigError(
                f"{path}: the gate on {each.name} asks for nothing",
                hint="give it at_least, below_live or better",
            )
    if gates.latency == LatencyGate():
        raise ConfigError(
            f"{path}: the gate on latency asks for nothing",
            hint="give it p95_ms_at_most or of_live_at_most",
        )
    return gates, sha256_hex(data)
