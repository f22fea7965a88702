"""One request becomes one stream: admit, plan, try, close.

The same walk serves this node's own developers and, with a grant, other members: only which
replicas are eligible and how the receipt is signed differ.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass

import msgspec
import structlog

from hansa.answer.admit import Gate, check_request
from hansa.answer.attempt import Attempt
from hansa.answer.closing import Closing, Granted, Progress
from hansa.answer.fleet import Fleet
from hansa.answer.journal import Journal
from hansa.core.bounds import ATTEMPTS_MAX
from hansa.core.clock import Clock
from hansa.core.errors import (
    EngineError,
    EngineUnavailable,
    HansaError,
    IntegrityError,
    PeerError,
    PeerUnavailable,
    PolicyRefusal,
)
from hansa.core.ids import is_name
from hansa.routing.choose import Considered, Plan, plan
from hansa.wire.requests import Chunk, Request

FIRST_CHUNK_TIMEOUT_S = 30.0
"""A replica that has not begun by then is given up for another."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """A request that has been accepted by a replica; reading `chunks` drives it."""

    request: str
    route: str
    """`member/replica`."""
    reason: str
    chunks: AsyncGenerator[Chunk]
    settle: Callable[[], None]

    async def aclose(self) -> None:
        """Be done with it, read to the end or not; what was generated is metered all the same."""
        await self.chunks.aclose()
        self.settle()


class Answering:
    """Answers requests for one node."""

    def __init__(self, *, fleet: Fleet, closing: Closing, journal: Journal, clock: Clock) -> None:
        self._fleet = fleet
        self._closing = closing
        self._journal = journal
        self._clock = clock
        self.gate = Gate()
        self._background: set[asyncio.Task[None]] = set()

    def explain(self, request: Request) -> Plan:
        """Where `request` would go now, and why; nothing is sent."""
        return plan(request, self._fleet.candidates(request))

    async def answer(self, request: Request, granted: Granted | None = None) -> Answer:
        """Find a replica that begins to answer `request`.

        With `granted`, only this node's own replicas serve it and the last chunk has the receipt.

        Raises:
            UserError, PolicyRefusal: it cannot be served as asked.
            EngineUnavailable, PeerUnavailable: nobody could serve it now.
        """
        arrived_s = self._clock.monotonic_s()
        held = contextlib.ExitStack()
        try:
            check_request(request)
            held.enter_context(self.gate.enter())
            attempt = await self._first_that_begins(request, granted, arrived_s)
        except BaseException as error:  # a cancelled request gives its place back too
            held.close()
            origin = granted.grant.issuer if granted else self._fleet.member
            self._journal.unserved(request, origin, error, arrived_s)
            raise
        attempt.held = held
        return Answer(
            request.id,
            f"{attempt.route.candidate.member.id}/{attempt.replica}",
            attempt.reason,
            self._chunks(attempt),
            lambda: self._settle(attempt),
        )

    async def close(self) -> None:
        """Wait until the receipts of abandoned requests are written."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _first_that_begins(
        self, request: Request, granted: Granted | None, arrived_s: float
    ) -> Attempt:
        tried: set[str] = set()
        for number in range(1, ATTEMPTS_MAX + 1):
            candidates = self._fleet.candidates(request, local_only=granted is not None)
            fresh = [each for each in candidates if each.name not in tried]
            chosen = plan(request, fresh)
            route = _preferred(chosen, request)
            attempt = self._attempt(request, granted, chosen, route, number, arrived_s)
            try:
                await self._begin(attempt)
            except (EngineError, PeerError, PolicyRefusal) as error:
                tried.add(route.candidate.name)
                self._journal.failover(attempt, error)
                if len(chosen.routes) == 1 or number == ATTEMPTS_MAX:
                    raise
            else:
                return attempt
        raise AssertionError("the loop above returns or raises")

    def _attempt(
        self,
        request: Request,
        granted: Granted | None,
        chosen: Plan,
        route: Considered,
        number: int,
        arrived_s: float,
    ) -> Attempt:
        # Another member's replica that broke off may have signed a receipt under the first id.
        again = number > 1 and granted is None
        own = msgspec.structs.replace(
            request,
            id=f"{request.id}.{number}" if again else request.id,
            model=route.candidate.terms.model,
            replica=route.candidate.replica.id,
        )
        return Attempt(
            request=own,
            route=route,
            reason=chosen.reason(route),
            budget_ms=chosen.budget_ms,
            number=number,
            origin=granted.grant.issuer if granted else self._fleet.member,
            granted=granted,
            stream=self._fleet.engine(route.candidate).stream(own),
            progress=Progress(self._clock.now_ms(), self._clock.monotonic_s(), []),
            arrived_s=arrived_s,
        )

    async def _begin(self, attempt: Attempt) -> None:
        """Wait for the first chunk, after which nothing is tried elsewhere."""
        candidate = attempt.route.candidate
        self._fleet.begin(candidate, attempt.request)
        try:
            async with asyncio.timeout(FIRST_CHUNK_TIMEOUT_S):
                attempt.first = await anext(attempt.stream, None)
            if attempt.first is None:
                raise EngineUnavailable(f"{candidate.name} ended without an answer")
            _note_replica(attempt, attempt.first)
        except BaseException as error:  # also when the client leaves: nothing stays counted
            self._fleet.end(candidate)
            refused = isinstance(error, HansaError) and not error.retryable
            self._closing.forget(attempt.request.id, refused=refused)
            await attempt.stream.aclose()
            if isinstance(error, TimeoutError):
                error = EngineUnavailable(
                    f"{candidate.name} did not begin within {FIRST_CHUNK_TIMEOUT_S:g} s"
                )
            if isinstance(error, (EngineUnavailable, PeerUnavailable)):
                self._fleet.suspect(candidate, error)
            raise error from None

    async def _chunks(self, attempt: Attempt) -> AsyncGenerator[Chunk]:
        try:
            async with contextlib.aclosing(self._read(attempt)) as chunks:
                async for chunk in chunks:
                    if not chunk.finish:
                        if attempt.request.stream:
                            yield chunk
                        elif chunk.replica:
                            # An origin learns at once that its answer has begun, and where.
                            yield Chunk(replica=chunk.replica)
                        continue
                    last = await self._close(attempt, chunk)
                    attempt.outcome = "served"
                    yield last
        except HansaError as error:
            attempt.outcome = "failed"
            _log.warning("answer_broke_off", request=attempt.request.id, error=error.message)
            raise
        finally:
            self._settle(attempt)

    def _settle(self, attempt: Attempt) -> None:
        """Give back what the attempt held, once, however it ended."""
        if attempt.held is None:
            return
        attempt.held.close()
        attempt.held = None
        self._fleet.end(attempt.route.candidate)
        if attempt.progress.usage.completion_tokens:
            tokens = attempt.progress.usage.completion_tokens
            self._fleet.generated(attempt.request.task, tokens)
        self._journal.ended(attempt)
        if not attempt.closed:
            self._in_background(self._abandon(attempt))

    async def _read(self, attempt: Attempt) -> AsyncGenerator[Chunk]:
        """All chunks; the last one only when the engine's stream has ended."""
        assert attempt.first is not None
        chunk, last = attempt.first, None
        while chunk is not None:
            attempt.progress.take(chunk, self._clock.monotonic_s())
            if chunk.finish:
                last = chunk
            else:
                yield chunk
            chunk = await anext(attempt.stream, None)
        if last is None:
            raise EngineUnavailable(f"{attempt.route.candidate.name} ended without a last chunk")
        yield last

    async def _close(self, attempt: Attempt, chunk: Chunk) -> Chunk:
        """Have the receipt stored before the client sees the end."""
        candidate, progress = attempt.route.candidate, attempt.progress
        assert chunk.finish
        receipt: str | None = None
        attempt.closed = True
        if candidate.local:
            envelope = await self._closing.served(
                attempt.request, candidate, progress, chunk.finish, attempt.granted
            )
            self._measure(attempt)
            receipt = msgspec.json.encode(envelope).decode() if attempt.granted else None
        else:
            await self._accept(attempt, chunk)
        text = chunk.text if attempt.request.stream else "".join(progress.text)
        return msgspec.structs.replace(chunk, text=text, usage=progress.usage, receipt=receipt)

    async def _accept(self, attempt: Attempt, chunk: Chunk) -> None:
        try:
            await self._closing.received(attempt.request, chunk, attempt.progress)
        except IntegrityError as error:
            # The developer keeps the answer; the receipt stays unsigned and shows as disputed.
            self._journal.disputed(attempt, error)
        finally:
            self._closing.forget(attempt.request.id)

    async def _abandon(self, attempt: Attempt) -> None:
        """Stop the work upstream and meter what was generated until then."""
        attempt.closed = True
        with contextlib.suppress(HansaError):
            await attempt.stream.aclose()
        self._closing.forget(attempt.request.id)
        if attempt.route.candidate.local:
            try:
                await self._closing.served(
                    attempt.request, attempt.route.candidate, attempt.progress, "cancelled",
                    attempt.granted,
                )  # fmt: skip
            except HansaError as error:
                _log.error("receipt_not_stored", request=attempt.request.id, error=error.message)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        # A cancelled handler cannot wait for the disk itself.
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _measure(self, attempt: Attempt) -> None:
        progress, candidate = attempt.progress, attempt.route.candidate
        if progress.first_token_s is None:
            return
        first_s = progress.first_token_s - progress.started_s
        decode_s = self._clock.monotonic_s() - progress.first_token_s
        self._fleet.local[candidate.replica.id].measured(progress.usage, first_s, decode_s)


def _note_replica(attempt: Attempt, first: Chunk) -> None:
    """Take in which replica really serves; tell the origin, if one waits for it."""
    wished = attempt.route.candidate.replica.id
    attempt.replica = first.replica if is_name(first.replica) else wished
    if attempt.replica != wished:
        attempt.reason = f"its node took it instead of {wished}: {attempt.reason}"
    said = wished if attempt.granted else ""
    attempt.first = msgspec.structs.replace(first, replica=said)


def _preferred(chosen: Plan, request: Request) -> Considered:
    """The replica the origin asked for, if it may serve; else the best one."""
    wanted = (each for each in chosen.routes if each.candidate.replica.id == request.replica)
    return next(wanted, chosen.routes[0]) if request.replica else chosen.routes[0]
