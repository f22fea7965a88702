"""One member's books, checked against the charter without asking anybody."""

from collections.abc import Callable, Iterable

import msgspec

from hansa.core.errors import IntegrityError
from hansa.ledger.entries import Entry
from hansa.ledger.receipts import CharterLookup, check, signed_by
from hansa.wire.protocol import Charter, Receipt

NodeKeys = Callable[[str], tuple[str, ...]]
"""From a member's id to every node key it had in any epoch."""


class Finding(msgspec.Struct, frozen=True):
    index: int
    request: str
    problem: str


class Audit(msgspec.Struct, frozen=True):
    checked: int
    pending: tuple[str, ...]
    """Requests whose receipt waits for the origin's signature; no fault yet."""
    findings: tuple[Finding, ...]


def audit(
    entries: Iterable[Entry], charter_lookup: CharterLookup, node_keys: NodeKeys | None = None
) -> Audit:
    """Check price, charter and both signatures of every entry."""
    checked, pending, findings = 0, list[str](), list[Finding]()
    for entry in entries:
        checked += 1
        try:
            if not entry.countersigned and not entry.refused:
                check(entry.envelope, charter_lookup)
                pending.append(entry.receipt.request)
            else:
                check_both(entry, charter_lookup, node_keys)
        except IntegrityError as error:
            findings.append(Finding(entry.index, entry.receipt.request, error.message))
    return Audit(checked, tuple(pending), tuple(findings))


def check_both(
    entry: Entry, charter_lookup: CharterLookup, node_keys: NodeKeys | None = None
) -> tuple[Receipt, Charter]:
    """Return receipt and charter if server and origin both signed.

    Args:
        node_keys: the keys a member had in any epoch, because an origin may sign a receipt after
            its keys were rotated; None allows only those of the receipt's own charter.

    Raises:
        IntegrityError: as `receipts.check`, or the origin's signature is missing.
    """
    receipt = check(entry.envelope, charter_lookup)
    charter = charter_lookup(receipt.charter)
    origin = charter.member(receipt.origin) if charter is not None else None
    assert charter is not None
    assert origin is not None, "receipts.check saw both members in the charter"
    if entry.refused:
        raise IntegrityError(
            f"receipt {receipt.request} was refused by {receipt.origin}: {entry.refused}"
        )
    keys = origin.node_keys + (node_keys(origin.id) if node_keys is not None else ())
    if not entry.countersigned or not signed_by(entry.envelope, keys):
        raise IntegrityError(f"receipt {receipt.request} is not countersigned by {receipt.origin}")
    return receipt, charter
