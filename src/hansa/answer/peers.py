"""What nodes tell each other besides requests: statuses, and receipts that lack a countersignature.

Whoever served sends its receipts to their origin until they come back countersigned. That one path
covers an answer read to its end, a client that left and a node that was killed.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from hansa.answer.closing import Granted, check_against_grant
from hansa.answer.fleet import Fleet
from hansa.core.bounds import (
    COUNTERSIGN_BATCH_MAX,
    COUNTERSIGN_INTERVAL_S,
    PEER_POLL_INTERVAL_S,
    PEER_RETRY_FIRST_S,
)
from hansa.core.clock import Clock
from hansa.core.digests import sha256_hex
from hansa.core.errors import HansaError, IntegrityError, PeerError
from hansa.core.signing import Envelope, SigningKey
from hansa.engines.peer import PeerClient
from hansa.league import grants, hello
from hansa.league.chain import Chain
from hansa.ledger import receipts
from hansa.ledger.reconcile import Export, export_for
from hansa.ledger.store import Ledger
from hansa.observe.metrics import Metrics
from hansa.wire.protocol import (
    CopiesReply,
    CopiesRequest,
    CountersignReply,
    CountersignRequest,
    Hello,
    NodeStatus,
    ServedReceipt,
)

REFUSED_RETRY_S = 60.0
"""A receipt its origin refused is shown to it again after this; a mended origin may sign it."""

_log = structlog.get_logger()


class Peers:
    """One node's conversation with the other members' nodes."""

    def __init__(
        self,
        *,
        key: SigningKey,
        chain: Chain,
        ledger: Ledger,
        fleet: Fleet,
        clients: dict[str, PeerClient],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._key = key
        self._chain = chain
        self._ledger = ledger
        self._fleet = fleet
        self._clients = clients
        self._metrics = metrics
        self._clock = clock
        self._member = fleet.member
        self._tasks: list[asyncio.Task[None]] = []
        self._refused_s: dict[str, float] = {}

    async def start(self) -> None:
        """Begin asking every peer for its status and sending it its receipts."""
        for member in self._clients:
            self._tasks.append(asyncio.create_task(self._poll(member), name=f"poll {member}"))
            self._tasks.append(asyncio.create_task(self._push(member), name=f"push {member}"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    # Asked by a peer.

    def greet(self, header: str, body: bytes) -> str:
        """The member that sent `body`. Raises IntegrityError for strangers."""
        return hello.check(header, body, self._chain, self._member, self._clock.now_ms())

    def status(self) -> Envelope:
        return hello.seal_status(self._key, self._fleet.status())

    async def export(self, asker: str, since_size: int = 0) -> Export:
        """The receipts both `asker` and this member are party to, and that our log only grew."""
        return await export_for(self._ledger, asker, since_size=since_size)

    async def countersign(self, server: str, asked: CountersignRequest) -> CountersignReply:
        """Countersign what `server` served to us; say why when we do not."""
        signed: list[Envelope] = []
        refused: dict[str, str] = {}
        for served in asked.receipts[:COUNTERSIGN_BATCH_MAX]:
            name = "unreadable"
            try:
                name = receipts.read(served.receipt).request
                signed.append(await self._countersign_one(server, served))
            except IntegrityError as error:
                refused[name] = error.message
                self._metrics.disputes.labels(server).inc()
                _log.error("receipt_disputed", request=name, server=server, error=error.message)
        self._note_head(server, asked.head)
        return CountersignReply(tuple(signed), refused, self._ledger.signed_head())

    async def _countersign_one(self, server: str, served: ServedReceipt) -> Envelope:
        grant = grants.verify_own(served.grant, self._chain, self._member)
        receipt = receipts.check(served.receipt, self._chain.at)
        check_against_grant(receipt, Granted(grant, served.grant))
        if receipt.server != server:
            raise IntegrityError(f"{server} sent a receipt of {receipt.server}")
        if reason := await self._ledger.dispute_of(receipt.grant_sha256):
            raise IntegrityError(reason)
        envelope = receipts.countersign(self._key, served.receipt)
        await self._ledger.record_received(envelope)
        return envelope

    async def keep_copies(self, server: str, sent: CopiesRequest) -> CopiesReply:
        """Keep what others did with a model we make; it is our account of what it earned."""
        kept: list[str] = []
        refused: dict[str, str] = {}
        for envelope in sent.receipts[:COUNTERSIGN_BATCH_MAX]:
            name = "unreadable"
            try:
                name = receipts.read(envelope).request
                self._check_copy(server, envelope)
                await self._ledger.record_made(envelope)
                kept.append(name)
            except IntegrityError as error:
                refused[name] = error.message
                _log.error("copy_refused", request=name, server=server, error=error.message)
        return CopiesReply(tuple(kept), refused)

    def _check_copy(self, server: str, envelope: Envelope) -> None:
        receipt = receipts.check(envelope, self._chain.at)
        charter = self._chain.at(receipt.charter)
        terms = charter.terms(receipt.model) if charter else None
        if terms is None or terms.maker != self._member:
            raise IntegrityError(f"{receipt.model} is not a model of ours")
        if receipt.server != server:
            raise IntegrityError(f"{server} sent a receipt of {receipt.server}")
        if not receipts.signed_by(envelope, self._chain.node_keys(receipt.origin)):
            raise IntegrityError(f"{receipt.origin} has not signed receipt {receipt.request}")

    # Asking a peer.

    async def _poll(self, member: str) -> None:
        retry_s = PEER_RETRY_FIRST_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                status = await self._ask_status(member)
                self._fleet.heard(member, status, (self._clock.monotonic_s() - began_s) * 1000)
                retry_s = PEER_RETRY_FIRST_S
                settled = all(each.ready for each in status.replicas)
                await asyncio.sleep(PEER_POLL_INTERVAL_S / (1 if settled else 5))
            except HansaError as error:
                # Nodes of a league are often started together: look again soon, then less often.
                self._fleet.lost(member, error.message)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, PEER_POLL_INTERVAL_S)

    async def _ask_status(self, member: str) -> NodeStatus:
        reply = await self._clients[member].get("status", self._hello(member, b""))
        try:
            envelope = msgspec.json.decode(reply, type=Envelope)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PeerError(f"the status of {member} is no envelope: {error}") from error
        return hello.open_status(envelope, self._chain, member, self._clock.now_ms())

    async def _push(self, member: str) -> None:
        while True:
            try:
                while await self._push_batch(member):
                    pass
                while await self._push_copies(member):
                    pass
            except HansaError as error:
                _log.info("countersign_postponed", peer=member, error=error.message)
            await asyncio.sleep(COUNTERSIGN_INTERVAL_S)

    async def _push_batch(self, member: str) -> bool:
        """Send what waits for `member`; whether something was countersigned."""
        pending = await self._ledger.pending_countersign(COUNTERSIGN_BATCH_MAX)
        self._metrics.pending.set(sum(len(each) for each in pending.values()))
        waiting = self._due(pending.get(member, []))
        if not waiting:
            return False
        request = CountersignRequest(tuple(waiting), self._ledger.signed_head())
        body = msgspec.json.encode(request)
        reply = await self._clients[member].post("receipts", body, self._hello(member, body))
        try:
            answer = msgspec.json.decode(reply, type=CountersignReply)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PeerError(f"{member} answered receipts with something else: {error}") from error
        sent = {receipts.read(each.receipt).request for each in waiting}
        good = [
            each
            for each in self._signed_by_origin(member, answer.receipts)
            if receipts.read(each).request in sent
        ]
        await self._ledger.record_countersigned(good)
        refused = {name: answer.refused[name] for name in sent & set(answer.refused)}
        self._ledger.note_refused(refused)
        for name, reason in refused.items():
            self._refused_s[name] = self._clock.monotonic_s()
            _log.warning("countersign_refused", request=name, origin=member, reason=reason)
        self._note_head(member, answer.head)
        return bool(good)

    async def _push_copies(self, member: str) -> bool:
        """Send `member` what others did with its models; whether it kept something."""
        due = await self._ledger.pending_copies(
            member, COUNTERSIGN_BATCH_MAX, list(self._recently_refused())
        )
        if not due:
            return False
        body = msgspec.json.encode(CopiesRequest(tuple(due)))
        reply = await self._clients[member].post("copies", body, self._hello(member, body))
        try:
            answer = msgspec.json.decode(reply, type=CopiesReply)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PeerError(f"{member} answered copies with something else: {error}") from error
        sent = {receipts.read(each).request for each in due}
        for name in sent & set(answer.refused):
            self._refused_s[name] = self._clock.monotonic_s()
            _log.warning("copy_refused", request=name, maker=member, reason=answer.refused[name])
        kept = sorted(sent & set(answer.kept))
        await self._ledger.record_copied(member, kept)
        return bool(kept)

    def _note_head(self, member: str, head: Envelope) -> None:
        """Keep a peer's log head, so that a log that was rewritten is found out."""
        receipts.open_head(head, member, self._chain.node_keys(member))
        self._ledger.note_peer_head(member, head)

    def _due(self, waiting: Sequence[ServedReceipt]) -> list[ServedReceipt]:
        """Leave out what its origin refused a moment ago."""
        refused = self._recently_refused()
        return [each for each in waiting if receipts.read(each.receipt).request not in refused]

    def _recently_refused(self) -> dict[str, float]:
        since_s = self._clock.monotonic_s() - REFUSED_RETRY_S
        self._refused_s = {name: at for name, at in self._refused_s.items() if at > since_s}
        return self._refused_s

    def _signed_by_origin(self, member: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
        keys = self._chain.node_keys(member)
        return [each for each in envelopes if receipts.signed_by(each, keys)]

    def _hello(self, audience: str, body: bytes) -> str:
        return hello.say(
            self._key,
            Hello(
                self._member, audience, self._chain.digest, self._clock.now_ms(), sha256_hex(body)
            ),
        )
