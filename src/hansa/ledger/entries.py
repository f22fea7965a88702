"""One line of the ledger: a receipt, our part in it, and the row that keeps it."""

import base64
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import IntegrityError
from hansa.core.signing import Envelope, Signature
from hansa.ledger.receipts import read
from hansa.wire.protocol import RECEIPT_TYPE, Receipt

Role = Literal["server", "origin", "own", "maker"]
"""Our part: we served it for a peer, a peer served us, we served ourselves, or others used a model
we make."""


@dataclass(frozen=True, slots=True)
class Entry:
    index: int
    """Place in this member's log."""
    role: Role
    envelope: Envelope
    receipt: Receipt
    grant: Envelope | None
    countersigned: bool
    """Both sides signed; always true for what we served ourselves."""
    refused: str = ""
    """Why the origin would not countersign, in its own words."""

    @property
    def counterparty(self) -> str:
        """The other member, or ourselves; nobody where we are only the model's maker."""
        if self.role == "maker":
            return ""
        return self.receipt.origin if self.role == "server" else self.receipt.server


def role_of(receipt: Receipt, member: str) -> Role:
    """Our part in `receipt`; raises IntegrityError if we have none."""
    if receipt.server == member:
        return "own" if receipt.origin == member else "server"
    if receipt.origin == member:
        return "origin"
    raise IntegrityError(
        f"receipt {receipt.request} is between {receipt.server} and {receipt.origin}, "
        f"not a matter of {member}"
    )


def served(
    receipt: Envelope, grant: Envelope | None, member: str, maker: str = ""
) -> dict[str, Any]:
    """The row of what `member` served, checked against the grant it was served under."""
    content = read(receipt)
    role = role_of(content, member)
    promised = sha256_hex(grant.body()) if grant is not None else ""
    if role == "origin":
        raise IntegrityError(f"receipt {content.request} was served by {content.server}, not by us")
    if (role == "own") != (grant is None) or content.grant_sha256 != promised:
        raise IntegrityError(f"receipt {content.request} does not belong to this grant")
    encoded = None if grant is None else msgspec.json.encode(grant)
    row = _row(receipt, content, role, encoded, countersigned=role == "own")
    third = maker not in ("", content.server, content.origin)
    return row | {"maker": maker if third else "", "copied": not third}


def own_row(receipt: Receipt, payload: bytes, signature: Signature, maker: str) -> dict[str, Any]:
    """The row of what a member served to its own developer, from its parts: the quick way."""
    third = maker not in ("", receipt.server)
    return {
        "request": receipt.request,
        "role": "own",
        "server": receipt.server,
        "origin": receipt.origin,
        "started_at_ms": receipt.started_at_ms,
        "payload": payload,
        "signatures": msgspec.json.encode((signature,)),
        "grant": None,
        "countersigned": True,
        "refused": "",
        "maker": maker if third else "",
        "copied": not third,
    }


def received(receipt: Envelope, member: str) -> dict[str, Any]:
    """The row of what a peer served `member`, signed by both."""
    content = read(receipt)
    if role_of(content, member) != "origin":
        raise IntegrityError(f"receipt {content.request} is not of a peer that served us")
    if len(receipt.signatures) < 2:
        raise IntegrityError(f"receipt {content.request} is not signed by both sides")
    return _row(receipt, content, "origin", None, countersigned=True)


def made(receipt: Envelope, member: str) -> dict[str, Any]:
    """The row of what others did with a model of `member`, signed by both of them."""
    content = read(receipt)
    if member in (content.server, content.origin):
        raise IntegrityError(f"receipt {content.request} is our own; we need no copy of it")
    if content.server != content.origin and len(receipt.signatures) < 2:
        raise IntegrityError(f"receipt {content.request} is not signed by both sides")
    return _row(receipt, content, "maker", None, countersigned=True)


def entry_of(row: Any) -> Entry:
    """Read a row back."""
    envelope = Envelope(
        RECEIPT_TYPE,
        base64.b64encode(row.payload).decode(),
        msgspec.json.decode(row.signatures, type=tuple[Signature, ...]),
    )
    return Entry(
        index=row.position,
        role=row.role,
        envelope=envelope,
        receipt=msgspec.json.decode(row.payload, type=Receipt),
        grant=None if row.grant is None else msgspec.json.decode(row.grant, type=Envelope),
        countersigned=row.countersigned,
        refused=row.refused,
    )


def columns_agree(entry: Entry, row: Any, member: str) -> bool:
    """Whether the columns that are searched by say the same as the receipt itself."""
    receipt = entry.receipt
    own = receipt.server == receipt.origin
    signed_twice = own or len(entry.envelope.signatures) > 1
    third = member not in (receipt.server, receipt.origin)
    return (
        (row.request, row.server, row.origin, row.started_at_ms)
        == (receipt.request, receipt.server, receipt.origin, receipt.started_at_ms)
        and row.role == ("maker" if third else role_of(receipt, member))
        and (signed_twice or not row.countersigned)
    )


def _row(
    envelope: Envelope, receipt: Receipt, role: Role, grant: bytes | None, *, countersigned: bool
) -> dict[str, Any]:
    return {
        "request": receipt.request,
        "role": role,
        "server": receipt.server,
        "origin": receipt.origin,
        "started_at_ms": receipt.started_at_ms,
        "payload": envelope.body(),
        "signatures": msgspec.json.encode(envelope.signatures),
        "grant": grant,
        "countersigned": countersigned,
        "refused": "",
        "maker": "",
        "copied": True,
    }
