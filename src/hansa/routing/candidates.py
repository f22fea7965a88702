"""What routing knows of the world when it chooses: a snapshot, nothing live."""

import msgspec

from hansa.wire.protocol import Member, ModelTerms, ReplicaStatus


class Candidate(msgspec.Struct, frozen=True):
    """One replica of the league, as it looked a moment ago."""

    member: Member
    terms: ModelTerms
    replica: ReplicaStatus
    local: bool
    """Whether it belongs to the node that asks."""
    up: bool
    down_reason: str = ""
    network_ms: float = 0.0
    """Round trip to its node."""
    expected_tokens: int | None = None
    """What a task like this has generated lately; None if that is not known."""
    warm_chars: int = 0
    """Characters of the prompt's beginning it probably has in its cache."""

    @property
    def name(self) -> str:
        return f"{self.member.id}/{self.replica.id}"
