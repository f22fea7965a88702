"""A decision: its gates and evidence, signed by the member that made it."""

from pathlib import Path
from typing import Literal

import msgspec

from hansa import __version__
from hansa.core.clock import Clock
from hansa.core.digests import canonical_json, parse_canonical
from hansa.core.errors import IntegrityError, NotFound
from hansa.core.files import write_atomic
from hansa.core.signing import Envelope, SigningKey, open_envelope
from hansa.league.chain import Chain
from hansa.training.promotion.evidence import Evidence, Item
from hansa.training.promotion.judging import Judged

NAME = "promotion.json"
PROMOTION_TYPE = "application/vnd.hansa.promotion.v1+json"
PROMOTION_BYTES_MAX = 1 << 20


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed."""

    candidate: str
    live: str
    decision: Literal["promoted", "refused"]
    at_ms: int
    member: str
    tool: str
    gates_sha256: str
    gates: tuple[Judged, ...]
    not_asked: tuple[str, ...]
    """Gates that the file left out."""
    evidence: tuple[Item, ...]

    @property
    def failed(self) -> list[Judged]:
        return [each for each in self.gates if not each.holds]


def decide(
    evidence: Evidence, judged: list[Judged], gates_sha256: str, not_asked: list[str],
    member: str, clock: Clock,
) -> Decision:  # fmt: skip
    """Promoted only if every gate holds."""
    return Decision(
        candidate=evidence.candidate,
        live=evidence.live,
        decision="promoted" if all(each.holds for each in judged) else "refused",
        at_ms=clock.now_ms(),
        member=member,
        tool=f"hansa {__version__}",
        gates_sha256=gates_sha256,
        gates=tuple(judged),
        not_asked=tuple(not_asked),
        evidence=tuple(Item(name, digest) for name, digest in sorted(evidence.items.items())),
    )


def write_decision(path: Path, decision: Decision, key: SigningKey) -> None:
    """Sign it and write the envelope."""
    envelope = key.seal(PROMOTION_TYPE, canonical_json(decision))
    write_atomic(path, msgspec.json.format(msgspec.json.encode(envelope), indent=2) + b"\n")


def read_decision(path: Path, chain: Chain) -> Decision:
    """A decision whose signature is by a key of the member it names.

    Raises:
        NotFound: there is none.
        IntegrityError: it was changed, or signed by somebody else.
    """
    try:
        with path.open("rb") as file:
            envelope = msgspec.json.decode(file.read(PROMOTION_BYTES_MAX), type=Envelope)
    except OSError as error:
        raise NotFound(
            f"cannot read {path}: {error.strerror}", hint="`hansa promote` writes it"
        ) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise IntegrityError(f"{path} is no signed decision: {error}") from error
    said = parse_canonical(envelope.body(), Decision)
    body = open_envelope(envelope, PROMOTION_TYPE, chain.node_keys(said.member))
    decision = parse_canonical(body, Decision)
    if (decision.decision == "promoted") != all(each.holds for each in decision.gates):
        raise IntegrityError(f"{path} is signed, but its decision does not follow from its gates")
    return decision
