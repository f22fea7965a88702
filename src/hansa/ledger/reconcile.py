"""Two members compare what they have between them; nothing else is shown."""

from collections.abc import Iterable, Sequence

import msgspec

from hansa.core.digests import parse_canonical
from hansa.core.signing import Envelope
from hansa.ledger.entries import Entry
from hansa.ledger.merkle import verify_consistency, verify_inclusion
from hansa.ledger.receipts import open_head, read, signed_by
from hansa.ledger.store import Ledger
from hansa.wire.protocol import Receipt, TreeHead


class ExportedReceipt(msgspec.Struct, frozen=True):
    envelope: Envelope
    index: int
    proof: tuple[str, ...]
    """Audit path to the head's root, hex."""


class Export(msgspec.Struct, frozen=True):
    """What `member` has on record with `counterparty`, provably in its log."""

    member: str
    counterparty: str
    head: Envelope
    receipts: tuple[ExportedReceipt, ...]
    since_size: int = 0
    """Size of the head that the counterparty knew before."""
    consistency: tuple[str, ...] = ()
    """Proof that the log only grew since, hex."""


class Difference(msgspec.Struct, frozen=True):
    request: str
    fields: dict[str, tuple[str | int, str | int]]
    """Field to our value and theirs."""


class Reconciliation(msgspec.Struct, frozen=True):
    """Request ids under what is wrong with them; `ok` if nothing is."""

    counterparty: str
    agree: int
    only_ours: tuple[str, ...] = ()
    only_theirs: tuple[str, ...] = ()
    differ: tuple[Difference, ...] = ()
    missing_countersignature: tuple[str, ...] = ()
    bad_proof: tuple[str, ...] = ()
    unaccounted: tuple[str, ...] = ()
    """Requests we granted it a while ago for which no receipt came: it served nothing, or forgot
    to say so. Not a fault of the books."""
    log: str = ""
    """What is wrong with the counterparty's log as a whole."""

    @property
    def ok(self) -> bool:
        return not (
            self.only_ours
            or self.only_theirs
            or self.differ
            or self.missing_countersignature
            or self.bad_proof
            or self.log
        )


async def export_for(
    ledger: Ledger,
    counterparty: str,
    *,
    since_size: int = 0,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> Export:
    """What `counterparty` may see of our ledger: the receipts it is party to itself.

    Args:
        since_size: size of our log the counterparty has seen; proves that it only grew since.
    """
    entries = await ledger.entries(since_ms=since_ms, until_ms=until_ms)
    head = ledger.signed_head()
    size = parse_canonical(head.body(), TreeHead).size
    known = since_size if 0 < since_size <= size else 0
    return Export(
        member=ledger.member,
        counterparty=counterparty,
        head=head,
        receipts=tuple(
            ExportedReceipt(
                entry.envelope,
                entry.index,
                tuple(step.hex() for step in ledger.inclusion_proof(entry.index, size)),
            )
            for entry in entries
            if entry.counterparty == counterparty and entry.role != "own" and entry.index < size
        ),
        since_size=known,
        consistency=tuple(step.hex() for step in ledger.consistency_proof(known, size)),
    )


def within(export: Export, since_ms: int | None, until_ms: int | None) -> Export:
    """The part of an export about requests that started in [since, until)."""
    if since_ms is None or until_ms is None:
        return export
    kept = tuple(
        each for each in export.receipts if since_ms <= read(each.envelope).started_at_ms < until_ms
    )
    return msgspec.structs.replace(export, receipts=kept)


def reconcile(
    ours: Sequence[Entry],
    theirs: Export,
    keys: tuple[str, ...],
    known_head: TreeHead | None = None,
) -> Reconciliation:
    """Compare our entries with what a counterparty exported.

    Args:
        ours: entries of the same period; those with other members are left out.
        keys: the counterparty's node keys, of every epoch that counts.
        known_head: the last head we saw of its log, to catch one that was rewritten.

    Raises:
        IntegrityError: the export's head is not signed by the counterparty.
    """
    head = open_head(theirs.head, theirs.member, keys)
    mine = {_name(each.receipt): each for each in ours if each.counterparty == theirs.member}
    other: dict[tuple[str, str], Envelope] = {}
    unproven: list[str] = []
    for exported in theirs.receipts:
        receipt = read(exported.envelope)
        other[_name(receipt)] = exported.envelope
        if not _is_in_log(exported, head):
            unproven.append(receipt.request)
    both = [name for name in mine if name in other]
    same = [name for name in both if mine[name].envelope.payload == other[name].payload]
    unsigned = [name for name in same if not _both_signed(mine[name], other[name], keys)]
    return Reconciliation(
        counterparty=theirs.member,
        agree=len(same) - len(unsigned),
        only_ours=_requests(name for name in mine if name not in other),
        only_theirs=_requests(name for name in other if name not in mine),
        differ=tuple(
            _difference(mine[name].receipt, read(other[name])) for name in both if name not in same
        ),
        missing_countersignature=_requests(unsigned),
        bad_proof=tuple(sorted(unproven)),
        log=_check_growth(theirs, head, known_head),
    )


def _name(receipt: Receipt) -> tuple[str, str]:
    return receipt.request, receipt.server


def _requests(names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(request for request, _ in names))


def _is_in_log(exported: ExportedReceipt, head: TreeHead) -> bool:
    try:
        proof = [bytes.fromhex(step) for step in exported.proof]
        root = bytes.fromhex(head.root)
    except ValueError:
        return False
    return verify_inclusion(exported.envelope.body(), exported.index, head.size, proof, root)


def _both_signed(entry: Entry, other: Envelope, keys: tuple[str, ...]) -> bool:
    """Our own copy must carry their signature; theirs is shown to have ours by its count."""
    return entry.countersigned and signed_by(entry.envelope, keys) and len(other.signatures) > 1


def _difference(ours: Receipt, theirs: Receipt) -> Difference:
    left, right = msgspec.structs.asdict(ours), msgspec.structs.asdict(theirs)
    fields = {name: (left[name], right[name]) for name in left if left[name] != right[name]}
    return Difference(ours.request, fields)


def _check_growth(theirs: Export, head: TreeHead, known: TreeHead | None) -> str:
    if known is None or known.size == 0:
        return ""
    if head.size < known.size:
        return f"it shrank from {known.size} to {head.size} receipts"
    if head.size > known.size and theirs.since_size != known.size:
        return ""  # No proof was asked for.
    try:
        proof = [bytes.fromhex(step) for step in theirs.consistency]
        old, new = bytes.fromhex(known.root), bytes.fromhex(head.root)
    except ValueError:
        return "its consistency proof is not hex"
    if verify_consistency(known.size, head.size, old, new, proof):
        return ""
    return f"its first {known.size} receipts are not those it had when it signed that head"
