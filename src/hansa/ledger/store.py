"""The ledger: every receipt this member is party to, durable, ordered and provable."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from hansa.core.clock import Clock
from hansa.core.digests import canonical_json, parse_canonical, sha256_hex
from hansa.core.errors import ConfigError, IntegrityError, StorageError
from hansa.core.signing import Envelope, SigningKey
from hansa.ledger import database, spend
from hansa.ledger.entries import Entry, entry_of, made, own_row, received, served
from hansa.ledger.heads import PeerHeads
from hansa.ledger.journal import Journal, Record
from hansa.ledger.receipts import merge_signatures, read, seal_head
from hansa.ledger.schema import disputes, open_grants, peer_heads, receipts, tree
from hansa.ledger.spend import Spend
from hansa.ledger.writer import Writer
from hansa.wire.protocol import RECEIPT_TYPE, Grant, Receipt, ServedReceipt, TreeHead

T = TypeVar("T")

TAKEN_AT_ONCE = 500
"""Records that a starting node takes in from its journal in one transaction."""

REASON_CHARS_MAX = 500
"""Kept of an origin's reason not to sign."""


class Ledger:
    """Made by `open`. What is awaited here is on disk when it returns."""

    def __init__(
        self,
        path: Path,
        member: str,
        key: SigningKey | None,
        clock: Clock,
        *,
        reader: Engine,
        writing: Engine | None,
        lock: IO[bytes] | None,
    ) -> None:
        self._path, self.member, self._key, self._clock = path, member, key, clock
        self._reader, self._writing, self._lock = reader, writing, lock
        with database.spoken(path), reader.begin() as connection:
            self._tree = database.load(connection, path, member)
            self._peer_heads = PeerHeads.load(connection)
        self._head = (self._tree.size, self._tree.root())
        self._in_doubt = False
        self._writer = None if writing is None else self._start(writing)
        self._journal = None if self._writer is None else self._open_journal()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        member: str,
        key: SigningKey | None,
        clock: Clock,
        read_only: bool = False,
    ) -> "Ledger":
        """Open `path`, made if it is missing, and check that no receipt was changed or removed.

        Args:
            key: signs tree heads; None where none is asked for.
            read_only: leave the file alone; a node may write it meanwhile.

        Raises:
            ConfigError: another process writes it, or it is another member's.
            NotFound: `read_only`, and there is no such file.
            IntegrityError: it does not hold what it held when it was last written.
            StorageError: the disk refused.
        """
        lock = writing = None
        try:
            if read_only:
                database.require_file(path)
            else:
                lock = database.hold(path)
                writing = database.connect(path, read_only=False)
                database.prepare(writing, path, member)
            reader = database.connect(path, read_only=True)
            return _opened(cls, path, member, key, clock, reader, writing, lock)
        except BaseException:  # whatever it is, files and lock are let go of
            if writing is not None:
                writing.dispose()
            if lock is not None:
                lock.close()
            raise

    async def record_served(
        self, receipt: Envelope, grant: Envelope | None, *, maker: str = ""
    ) -> None:
        """Append what we served; `grant` is None when our own developer asked.

        `maker` is the model's; it is owed a copy. The same receipt again changes nothing.

        Raises:
            IntegrityError: not served by us under this grant, or the request was accounted for
                with another receipt.
            StorageError: the disk refused; nothing was written.
        """
        await self._appended(served(receipt, grant, self.member, maker))

    async def record_own(self, receipt: Receipt, *, maker: str = "", account: str = "") -> None:
        """Append what we served to our own developer; it is signed as it enters the log.

        `account` is the API key whose spend it adds to. The request's id must be new.

        Raises:
            StorageError: the disk refused; nothing was written.
        """
        if self._journal is None:
            raise StorageError(f"the ledger {self._path} was opened to be read only")
        await self._journal.commit(Record(canonical_json(receipt), maker, account))

    async def record_received(self, receipt: Envelope, *, account: str = "") -> None:
        """Append what a peer served us, once both have signed; raises as `record_served`."""
        row = received(receipt, self.member)
        content = read(receipt)

        def change(connection: Connection) -> None:
            if self._append(connection, row):
                spend.add(connection, [(account, content)])
            connection.execute(
                delete(open_grants).where(open_grants.c.grant_sha256 == content.grant_sha256)
            )

        await self._writable().write(change)

    async def record_made(self, receipt: Envelope) -> None:
        """Append a copy of what others did with a model we make; raises as `record_served`."""
        await self._appended(made(receipt, self.member))

    async def pending_copies(
        self, maker: str, limit: int, leave_out: Sequence[str] = ()
    ) -> list[Envelope]:
        """What we served with a model of `maker`, signed by all sides, not yet on its record."""
        query = (
            select(receipts)
            .where(
                receipts.c.copied.is_(False),
                receipts.c.maker == maker,
                receipts.c.countersigned.is_(True),
                receipts.c.request.not_in(leave_out),
            )
            .order_by(receipts.c.position)
            .limit(limit)
        )
        rows = await self._read(lambda connection: connection.execute(query).all())
        return [entry_of(row).envelope for row in rows]

    async def record_copied(self, maker: str, requests: Sequence[str]) -> None:
        """`maker` has these on record; they are not sent again."""
        statement = (
            update(receipts)
            .where(receipts.c.request.in_(requests), receipts.c.maker == maker)
            .values(copied=True)
        )
        await self._writable().write(lambda connection: _execute(connection, statement, None))

    async def record_countersigned(self, envelopes: Sequence[Envelope]) -> None:
        """Keep the origin's signatures on what we served; the caller has verified them.

        Raises:
            IntegrityError: one of them is no receipt of ours; the others are kept.
            StorageError: the disk refused; nothing was written.
        """
        await self._writable().write(lambda connection: _keep_signatures(connection, envelopes))

    def note_grant(self, request_id: str, grant: Envelope) -> None:
        """Remember a grant we gave until its receipt comes; returns before it is on disk."""
        issued = parse_canonical(grant.body(), Grant)
        if issued.request != request_id:
            raise IntegrityError(f"this grant is for {issued.request}, not for {request_id}")
        values = {
            "grant_sha256": sha256_hex(grant.body()),
            "issued_at_ms": issued.issued_at_ms,
            "envelope": msgspec.json.encode(grant),
        }
        statement = insert(open_grants).on_conflict_do_nothing()
        self._writable().send(lambda connection: _execute(connection, statement, values))

    def forget_grant(self, grant: Envelope) -> None:
        """A grant that its audience refused: nothing was served, no receipt will come."""
        digest = sha256_hex(grant.body())
        statement = delete(open_grants).where(open_grants.c.grant_sha256 == digest)
        self._writable().send(lambda connection: _execute(connection, statement, None))

    def note_dispute(self, grant: Envelope, reason: str) -> None:
        """Remember that the receipt of a grant of ours says something else than what we saw."""
        digest = sha256_hex(grant.body())
        values = {"grant_sha256": digest, "reason": reason[:REASON_CHARS_MAX]}
        statement = insert(disputes).on_conflict_do_nothing()
        self._writable().send(lambda connection: _execute(connection, statement, values))

    async def dispute_of(self, grant_sha256: str) -> str:
        """Why we do not sign the receipt of this grant; empty if we may."""
        query = select(disputes.c.reason).where(disputes.c.grant_sha256 == grant_sha256)
        found = await self._read(lambda connection: connection.scalar(query))
        return "" if found is None else str(found)

    def note_refused(self, refused: Mapping[str, str]) -> None:
        """Remember why an origin would not sign requests of ours; they are sent after all others.

        Args:
            refused: request id to the origin's reason.
        """

        def change(connection: Connection) -> None:
            for request, reason in refused.items():
                waiting = receipts.c.request == request, receipts.c.countersigned.is_(False)
                kept = reason[:REASON_CHARS_MAX] or "no reason given"
                connection.execute(update(receipts).where(*waiting).values(refused=kept))

        self._writable().send(change)

    def note_peer_head(self, member: str, envelope: Envelope) -> None:
        """Remember a peer's log head, whose signature the caller has verified.

        Raises:
            IntegrityError: it contradicts a head the peer signed before: its log was rewritten.
        """
        values = self._peer_heads.note(member, envelope)
        statement = insert(peer_heads).on_conflict_do_nothing()
        kept = self._peer_heads.sizes(member)

        def change(connection: Connection) -> None:
            connection.execute(statement, values)
            connection.execute(
                delete(peer_heads).where(
                    peer_heads.c.member == member, peer_heads.c.size.not_in(kept)
                )
            )

        self._writable().send(change)

    def peer_head(self, member: str) -> TreeHead | None:
        """The largest head that `member` showed us."""
        return self._peer_heads.largest(member)

    async def open_grants(self, older_than_ms: int) -> list[Envelope]:
        """Grants given more than `older_than_ms` ago for which no receipt came, oldest first."""
        before_ms = self._clock.now_ms() - older_than_ms
        query = (
            select(open_grants.c.envelope)
            .where(open_grants.c.issued_at_ms < before_ms)
            .order_by(open_grants.c.issued_at_ms)
        )
        rows = await self._read(lambda connection: connection.scalars(query).all())
        return [msgspec.json.decode(row, type=Envelope) for row in rows]

    async def pending_countersign(self, limit: int) -> dict[str, list[ServedReceipt]]:
        """What we served and its origin has not signed, by origin.

        Oldest first; what the origin refused comes last, so that it holds nothing up.

        Args:
            limit: at most so many per origin.
        """
        return await self._read(lambda connection: _pending(connection, limit))

    async def entries(
        self, *, since_ms: int | None = None, until_ms: int | None = None
    ) -> list[Entry]:
        """Receipts in the order of the log, of requests that started in [since, until)."""
        query = select(receipts).order_by(receipts.c.position)
        bounds: list[ColumnElement[bool]] = []
        if since_ms is not None:
            bounds.append(receipts.c.started_at_ms >= since_ms)
        if until_ms is not None:
            bounds.append(receipts.c.started_at_ms < until_ms)
        query = query.where(*bounds)
        return await self._read(
            lambda connection: [entry_of(row) for row in connection.execute(query)]
        )

    def head(self) -> TreeHead:
        """Size and root of the log on disk."""
        size, root = self._head
        return TreeHead(self.member, size, root.hex(), self._clock.now_ms())

    def signed_head(self) -> Envelope:
        return seal_head(self._signing_key(), self.head())

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Shows that receipt `index` is in the log's first `size`."""
        return self._tree.inclusion_proof(index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Shows that the log only grew from `old` receipts to `new`."""
        return self._tree.consistency_proof(old, new)

    async def spent(self, month: str) -> list[Spend]:
        """What each account used in `month` (`YYYY-MM`)."""
        return await self._read(lambda connection: spend.load(connection, month))

    def close(self) -> None:
        """Write what is queued and let go of the file."""
        if self._journal is not None:
            self._journal.hand_over()
        if self._writer is not None:
            self._writer.close()
        if self._journal is not None:
            self._journal.close()
        self._reader.dispose()
        if self._writing is not None:
            self._writing.dispose()
        if self._lock is not None:
            self._lock.close()

    def _start(self, engine: Engine) -> Writer:
        return Writer(
            engine,
            self._path,
            before=self._settle_doubt,
            finish=self._store_head,
            committed=self._publish_head,
            undone=self._undo,
        )

    def _open_journal(self) -> Journal:
        """Open the journal, and take in what a node that was killed left in it."""
        journal, left = Journal.open(self._path.with_suffix(".journal"), self._take)
        writer = self._writable()
        for n in range(0, len(left), TAKEN_AT_ONCE):
            writer.do(partial(self._take_in, left[n : n + TAKEN_AT_ONCE]))
        return journal

    def _take(self, records: Sequence[Record], kept: Callable[[], None]) -> None:
        self._writable().take(partial(self._take_in, records), kept)

    def _take_in(self, records: Sequence[Record], connection: Connection) -> None:
        """Sign what the journal holds and append it; what is here already changes nothing."""
        key, start = self._signing_key(), self._tree.size
        taken = [(record, msgspec.json.decode(record.payload, type=Receipt)) for record in records]
        rows = [
            own_row(receipt, record.payload, key.sign(RECEIPT_TYPE, record.payload), record.maker)
            | {"position": start + n}
            for n, (record, receipt) in enumerate(taken)
        ]
        try:
            with connection.begin_nested():
                connection.execute(_INSERT_NEW_RECEIPT, rows)
        except DatabaseIntegrityError:
            # Some are here already: a node that was killed had taken them in.
            taken = [
                pair for pair, row in zip(taken, rows, strict=True) if self._append(connection, row)
            ]
        else:
            for record, _ in taken:
                self._tree.append(record.payload)
        spend.add(connection, ((record.account, receipt) for record, receipt in taken))

    def _signing_key(self) -> SigningKey:
        if self._key is None:
            raise ConfigError(f"the ledger {self._path} was opened without a key to sign with")
        return self._key

    async def _appended(self, row: dict[str, Any]) -> None:
        def change(connection: Connection) -> None:
            self._append(connection, row)

        await self._writable().write(change)

    def _append(self, connection: Connection, row: dict[str, Any]) -> bool:
        """Add a row at the log's end; false if it is there already."""
        added = connection.execute(_INSERT_RECEIPT, row | {"position": self._tree.size})
        if added.rowcount == 1:
            self._tree.append(row["payload"])
            return True
        known = connection.scalar(
            select(receipts.c.payload).where(
                *(receipts.c[name] == row[name] for name in ("request", "role", "server", "origin"))
            )
        )
        if known != row["payload"]:
            raise IntegrityError(
                f"request {row['request']} has another receipt in the ledger already",
                hint="compare both with `hansa receipts list` and `hansa receipts reconcile`",
            )
        return False

    def _settle_doubt(self, connection: Connection) -> None:
        """After a failed write only the file knows what is in it."""
        known = connection.execute(select(tree)).one() if self._in_doubt else None
        if known is not None and (known.size, known.root) != self._head:
            self._tree = database.load(connection, self._path, self.member)
            self._publish_head()
        self._in_doubt = False

    def _store_head(self, connection: Connection) -> None:
        if self._tree.size != self._head[0]:
            values = {"size": self._tree.size, "root": self._tree.root()}
            connection.execute(update(tree), values)

    def _publish_head(self) -> None:
        if self._tree.size != self._head[0]:
            self._head = (self._tree.size, self._tree.root())

    def _undo(self) -> None:
        self._in_doubt = True
        if self._tree.size > self._head[0]:
            self._tree.truncate(self._head[0])

    def _writable(self) -> Writer:
        if self._writer is None:
            raise StorageError(f"the ledger {self._path} was opened to be read only")
        return self._writer

    async def _read(self, query: Callable[[Connection], T]) -> T:
        if self._journal is not None:
            self._journal.hand_over()
        if self._writer is not None:
            with contextlib.suppress(StorageError):  # What is on disk can be read all the same.
                await self._writer.caught_up()
        return await asyncio.to_thread(database.read, self._reader, self._path, query)


_INSERT_NEW_RECEIPT = insert(receipts)

_INSERT_RECEIPT = insert(receipts).on_conflict_do_nothing(
    index_elements=["request", "role", "server", "origin"]
)


def _opened(
    kind: type[Ledger],
    path: Path,
    member: str,
    key: SigningKey | None,
    clock: Clock,
    reader: Engine,
    writing: Engine | None,
    lock: IO[bytes] | None,
) -> Ledger:
    try:
        return kind(path, member, key, clock, reader=reader, writing=writing, lock=lock)
    except BaseException:  # the same
        reader.dispose()
        raise


def _execute(connection: Connection, statement: Any, values: dict[str, Any] | None) -> None:
    connection.execute(statement, values)


def _keep_signatures(connection: Connection, envelopes: Sequence[Envelope]) -> None:
    strangers: list[str] = []
    for envelope in envelopes:
        receipt = read(envelope)
        ours = (
            receipts.c.request == receipt.request,
            receipts.c.role == "server",
            receipts.c.origin == receipt.origin,
        )
        row = connection.execute(select(receipts).where(*ours)).one_or_none()
        if row is None or row.payload != envelope.body():
            strangers.append(receipt.request)
            continue
        merged = merge_signatures(entry_of(row).envelope, envelope)
        values = {
            "signatures": msgspec.json.encode(merged.signatures),
            "countersigned": len(merged.signatures) > 1,
            "refused": "",
        }
        connection.execute(update(receipts).where(*ours).values(values))
    if strangers:
        raise IntegrityError(f"no such receipt was served by us: {', '.join(strangers[:5])}")


def _pending(connection: Connection, limit: int) -> dict[str, list[ServedReceipt]]:
    waiting = receipts.c.role == "server", receipts.c.countersigned.is_(False)
    origins = connection.scalars(select(receipts.c.origin).where(*waiting).distinct()).all()
    pending: dict[str, list[ServedReceipt]] = {}
    for origin in origins:
        rows = connection.execute(
            select(receipts)
            .where(*waiting, receipts.c.origin == origin)
            .order_by(receipts.c.refused != "", receipts.c.position)
            .limit(limit)
        )
        entries = [entry_of(row) for row in rows]
        pending[origin] = [
            ServedReceipt(entry.grant, entry.envelope) for entry in entries if entry.grant
        ]
    return pending
