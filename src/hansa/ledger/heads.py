"""Heads of peers' logs: two that contradict each other prove a log was rewritten or forked."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hansa.core.digests import parse_canonical
from hansa.core.errors import IntegrityError
from hansa.core.signing import Envelope
from hansa.ledger.schema import peer_heads
from hansa.wire.protocol import TreeHead

HEADS_KEPT = 64
"""Per peer; the largest ones."""


class PeerHeads:
    def __init__(self, heads: dict[str, dict[int, TreeHead]]) -> None:
        self._heads = heads

    @classmethod
    def load(cls, connection: Connection) -> "PeerHeads":
        heads: dict[str, dict[int, TreeHead]] = {}
        for row in connection.execute(select(peer_heads)):
            head = parse_canonical(
                msgspec.json.decode(row.envelope, type=Envelope).body(), TreeHead
            )
            heads.setdefault(row.member, {})[row.size] = head
        return cls(heads)

    def note(self, member: str, envelope: Envelope) -> dict[str, Any]:
        """Take a head in; returns its row.

        Raises:
            IntegrityError: the head is not of `member`, or contradicts one it signed before.
        """
        head = parse_canonical(envelope.body(), TreeHead)
        if head.member != member:
            raise IntegrityError(f"this is the log head of {head.member!r}, not of {member}")
        known = self._heads.setdefault(member, {})
        _check_against(head, known)
        known.setdefault(head.size, head)
        while len(known) > HEADS_KEPT:
            del known[min(known)]
        encoded = msgspec.json.encode(envelope)
        return {"member": member, "size": head.size, "root": head.root, "envelope": encoded}

    def sizes(self, member: str) -> list[int]:
        return list(self._heads.get(member, {}))

    def largest(self, member: str) -> TreeHead | None:
        known = self._heads.get(member)
        return known[max(known)] if known else None


def _check_against(head: TreeHead, known: dict[int, TreeHead]) -> None:
    same_size = known.get(head.size)
    if same_size is not None and same_size.root != head.root:
        raise IntegrityError(
            f"{head.member} signed two different logs of {head.size} receipts: "
            f"{same_size.root[:16]} and {head.root[:16]}",
            hint="its log was rewritten or forked; reconcile, and show both heads to the league",
        )
    if any(
        each.size > head.size and each.signed_at_ms < head.signed_at_ms for each in known.values()
    ):
        raise IntegrityError(
            f"the log of {head.member} shrank to {head.size} receipts",
            hint="receipts were removed; reconcile with it before you accept more",
        )
