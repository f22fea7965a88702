"""One request becomes one stream: admit, plan, try, close.

The same walk serves this node's own developers and, with a grant, other members: only which
replicas are eligible and how the receipt is signed differ.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from hansa.answer.admit import Gate, check_request
from hansa.answer.attempt import Asked, Attempt, Settled
from hansa.answer.closing import Closing, Granted, Progress
from hansa.answer.fleet import Fleet
from hansa.answer.journal import Journal
from hansa.core.bounds import ATTEMPTS_MAX
from hansa.core.clock import Clock
from hansa.core.deadline import Deadline
from hansa.core.errors import (
    DeadlineUnmet,
    EngineError,
    EngineUnavailable,
    HansaError,
    IntegrityError,
    PeerError,
    PeerUnavailable,
    PolicyRefusal,
)
from hansa.core.ids import is_name
from hansa.ledger.receipts import price
from hansa.routing.choose import Considered, Plan, plan
from hansa.wire.requests import Chunk, Request

FIRST_CHUNK_TIMEOUT_S = 30.0
"""A replica that has not begun by then is given up for another."""

END_TIMEOUT_S = 5.0
"""A node that ends waits so long for the requests it has cut off to be written down."""

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
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a door adds to its answer, such as how much of a limit is left."""

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

    async def answer(
        self,
        request: Request,
        granted: Granted | None = None,
        account: str = "",
        settled: Settled | None = None,
    ) -> Answer:
        """Find a replica that begins to answer `request`.

        With `granted`, only this node's own replicas serve it and the last chunk has the receipt.
        `account` is the API key whose spend it adds to. `settled` is told once what an answer that
        was begun used and cost, however it ends, also if another member sends no receipt for it.

        Raises:
            UserError, PolicyRefusal: it cannot be served as asked.
            EngineUnavailable, PeerUnavailable: nobody could serve it now.
            DeadlineUnmet: nobody can answer it, or has begun to, by its deadline.
        """
        asked = Asked(request, granted, account, self._clock.monotonic_s(), settled)
        entered = False
        try:
            check_request(request)
            self.gate.enter()
            entered = True
            attempt = await self._first_that_begins(asked)
        except BaseException as error:  # a cancelled request gives its place back too
            if entered:
                self.gate.leave()
            self._journal.unserved(request, self._origin(asked), error, asked.arrived_s)
            raise
        attempt.holds_place = True
        return Answer(
            request.id,
            f"{attempt.route.candidate.member.id}/{attempt.replica}",
            attempt.reason,
            self._chunks(attempt),
            lambda: self._settle(attempt),
        )

    async def close(self) -> None:
        """Wait until the receipts of abandoned requests are written."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def end(self) -> None:
        """The same for a node that ends: also for requests that are being cut off just now."""
        until_s = self._clock.monotonic_s() + END_TIMEOUT_S
        while self.gate.in_flight and self._clock.monotonic_s() < until_s:  # noqa: ASYNC110  once, at the end
            await asyncio.sleep(0.01)
        await self.close()

    async def _first_that_begins(self, asked: Asked) -> Attempt:
        tried: set[str] = set()
        if (deadline_ms := asked.request.deadline_ms) is not None:
            asked = replace(asked, until_s=asked.arrived_s + deadline_ms / 1000)
        for number in range(1, ATTEMPTS_MAX + 1):
            if asked.until_s is not None:
                asked = asked.with_time_left(self._clock.monotonic_s())
            candidates = self._fleet.candidates(asked.request, local_only=asked.granted is not None)
            chosen = plan(asked.request, [each for each in candidates if each.name not in tried])
            route = _preferred(chosen, asked.request)
            attempt = self._attempt(asked, chosen, route, number)
            patience_s = self._patience_s(asked, chosen, route)
            try:
                if patience_s is None:
                    await self._begin(attempt)
                    return attempt
                return await self._begin_hedged(asked, chosen, attempt, patience_s)
            except (EngineError, PeerError, PolicyRefusal) as error:
                tried.add(route.candidate.name)
                self._journal.failover(attempt, error)
                if len(chosen.routes) == 1 or number == ATTEMPTS_MAX:
                    raise
                if asked.until_s is not None and self._clock.monotonic_s() >= asked.until_s:
                    raise
        raise AssertionError("the loop above returns or raises")

    def _patience_s(self, asked: Asked, chosen: Plan, route: Considered) -> float | None:
        """After how long a second replica is asked beside the first; None: never."""
        if asked.request.task != "complete" or asked.granted or len(chosen.routes) == 1:
            return None
        return self._fleet.slow_s(route.candidate)

    async def _begin_hedged(
        self, asked: Asked, chosen: Plan, first: Attempt, patience_s: float
    ) -> Attempt:
        """Begin `first`; once it is slower than usual, another too. Who begins sooner is kept."""
        racers = {asyncio.create_task(self._begin(first)): first}
        winner: Attempt | None = None
        try:
            done, _ = await asyncio.wait(racers, timeout=patience_s)
            if not done:
                other = next(each for each in chosen.routes if each is not first.route)
                second = self._attempt(asked, chosen, other, first.number + 1)
                self._journal.hedged(second)
                racers[asyncio.create_task(self._begin(second))] = second
            winner = await _winner(racers)
            return winner
        finally:
            for task, attempt in racers.items():
                if attempt is not winner:
                    task.cancel()
                    self._in_background(self._give_up(task, attempt))

    async def _give_up(self, task: asyncio.Task[None], attempt: Attempt) -> None:
        """End an attempt that lost the race, or whose client left during it, and meter it."""
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None:
            # It had begun in the same moment, so it holds its place at the replica.
            self._fleet.end(attempt.route.candidate)
            await self._abandon(attempt)
        elif task.cancelled() and attempt.route.candidate.local:
            await self._meter(attempt)

    def _attempt(self, asked: Asked, chosen: Plan, route: Considered, number: int) -> Attempt:
        request = asked.request
        # Another member's replica that broke off may have signed a receipt under the first id.
        again = number > 1 and asked.granted is None
        model, replica = route.candidate.terms.model, route.candidate.replica.id
        own = request
        if again or not route.candidate.local or request.model != model:
            number_of = f"{request.id}.{number}" if again else request.id
            own = msgspec.structs.replace(request, id=number_of, model=model, replica=replica)
        return Attempt(
            request=own,
            route=route,
            reason=chosen.reason(route),
            budget_ms=chosen.budget_ms,
            number=number,
            origin=self._origin(asked),
            granted=asked.granted,
            account=asked.account,
            stream=self._fleet.engine(route.candidate).stream(own),
            progress=Progress(self._clock.now_ms(), self._clock.monotonic_s()),
            arrived_s=asked.arrived_s,
            settled=asked.settled,
            until_s=asked.until_s,
        )

    def _origin(self, asked: Asked) -> str:
        return asked.granted.grant.issuer if asked.granted else self._fleet.member

    async def _begin(self, attempt: Attempt) -> None:
        """Wait for the first chunk, after which nothing is tried elsewhere."""
        candidate, progress = attempt.route.candidate, attempt.progress
        self._fleet.begin(candidate, attempt.request)
        wait_s = self._wait_s(attempt)
        try:
            with Deadline(wait_s):
                attempt.first = await anext(attempt.stream, None)
            if attempt.first is None:
                raise EngineUnavailable(f"{candidate.name} ended without an answer")
            progress.first_token_s = self._clock.monotonic_s()
            progress.begin(self._closing.salt_of(attempt.request.id, attempt.granted))
            self._fleet.began(candidate, progress.first_token_s - progress.started_s)
            _note_replica(attempt, attempt.first)
        except BaseException as error:  # also when the client leaves: nothing stays counted
            self._fleet.end(candidate)
            refused = isinstance(error, HansaError) and not error.retryable
            self._closing.forget(attempt.request.id, refused=refused)
            await attempt.stream.aclose()
            if isinstance(error, TimeoutError):
                error = _not_begun(attempt, wait_s)
            self._suspect(attempt, error)
            raise error from None

    def _wait_s(self, attempt: Attempt) -> float:
        """How long its first chunk is waited for."""
        if attempt.until_s is None:
            return FIRST_CHUNK_TIMEOUT_S
        return min(FIRST_CHUNK_TIMEOUT_S, attempt.until_s - self._clock.monotonic_s())

    def _suspect(self, attempt: Attempt, error: BaseException) -> None:
        if isinstance(error, DeadlineUnmet):
            return
        candidate = attempt.route.candidate
        out_of_reach = isinstance(error, (EngineUnavailable, PeerUnavailable))
        if out_of_reach or (candidate.local and isinstance(error, EngineError)):
            assert isinstance(error, HansaError)
            self._fleet.suspect(candidate, error)

    async def _chunks(self, attempt: Attempt) -> AsyncGenerator[Chunk]:
        """The answer's chunks; text that nobody reads as it comes is sent with the last one."""
        chunk, last = attempt.first, None
        held: list[str] = []
        try:
            if not attempt.request.stream and chunk and chunk.replica:
                # An origin learns at once that its answer has begun, and where.
                yield Chunk(replica=chunk.replica)
            while chunk is not None:
                attempt.progress.take(chunk)
                if chunk.finish:
                    last = chunk
                elif attempt.request.stream:
                    yield chunk
                elif _only_text(chunk):
                    held.append(chunk.text)
                else:
                    yield msgspec.structs.replace(chunk, text="".join([*held, chunk.text]))
                    held.clear()
                chunk = await anext(attempt.stream, None)
            if last is None:
                name = attempt.route.candidate.name
                raise EngineUnavailable(f"{name} ended without a last chunk")
            last = await self._close(attempt, last, "".join(held))
            attempt.outcome = "served"
            yield last
        except HansaError as error:
            attempt.outcome, attempt.error = "failed", error.code
            self._suspect(attempt, error)
            _log.warning("answer_broke_off", request=attempt.request.id, error=error.message)
            raise
        finally:
            self._settle(attempt)

    def _settle(self, attempt: Attempt) -> None:
        """Give back what the attempt held, once, however it ended."""
        if not attempt.holds_place:
            return
        attempt.holds_place = False
        self.gate.leave()
        self._fleet.end(attempt.route.candidate)
        if attempt.progress.usage.completion_tokens:
            tokens = attempt.progress.usage.completion_tokens
            self._fleet.generated(attempt.request.task, tokens)
        self._journal.ended(attempt)
        if attempt.settled is not None:
            used = attempt.progress.usage
            terms = attempt.route.candidate.terms
            attempt.settled(used, price(terms, used.prompt_tokens, used.completion_tokens))
        if not attempt.closed:
            self._in_background(self._abandon(attempt))

    async def _close(self, attempt: Attempt, chunk: Chunk, held: str) -> Chunk:
        """Have the receipt stored before the client sees the end."""
        candidate, progress = attempt.route.candidate, attempt.progress
        assert chunk.finish
        receipt: str | None = None
        attempt.closed = True
        if candidate.local:
            envelope = await self._closing.served(
                attempt.request, candidate, progress, chunk.finish, attempt.granted,
                attempt.account,
            )  # fmt: skip
            self._measure(attempt)
            receipt = msgspec.json.encode(envelope).decode() if envelope else None
        else:
            await self._accept(attempt, chunk)
        return msgspec.structs.replace(
            chunk, text=held + chunk.text, usage=progress.usage, receipt=receipt
        )

    async def _accept(self, attempt: Attempt, chunk: Chunk) -> None:
        try:
            await self._closing.received(attempt.request, chunk, attempt.progress, attempt.account)
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
            await self._meter(attempt)

    async def _meter(self, attempt: Attempt) -> None:
        """Write the receipt of an attempt that was given up."""
        try:
            await self._closing.served(
                attempt.request, attempt.route.candidate, attempt.progress, "cancelled",
                attempt.granted, attempt.account,
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


def _not_begun(attempt: Attempt, wait_s: float) -> EngineUnavailable:
    """Why it is waited for no longer: its deadline, or our patience."""
    name = attempt.route.candidate.name
    if wait_s >= FIRST_CHUNK_TIMEOUT_S:
        return EngineUnavailable(f"{name} did not begin within {FIRST_CHUNK_TIMEOUT_S:g} s")
    queue_ms = attempt.route.prediction.queue_ms
    error = DeadlineUnmet(
        f"{name} did not begin to answer before the deadline; {queue_ms:.0f} ms in its queue "
        "were predicted",
        hint="try again later, or allow more time",
    )
    error.retry_after_s = queue_ms / 1000
    return error


async def _winner(racers: dict[asyncio.Task[None], Attempt]) -> Attempt:
    """The first attempt that begins; raises what the last one raised if none does."""
    waiting = set(racers)
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        began = [task for task in done if task.exception() is None]
        if began:
            return racers[began[0]]
        if not waiting:
            done.pop().result()


def _only_text(chunk: Chunk) -> bool:
    return not (chunk.reasoning or chunk.tool_calls or chunk.logprobs or chunk.ends or chunk.choice)


def _note_replica(attempt: Attempt, first: Chunk) -> None:
    """Take in which replica really serves; tell the origin, if one waits for it."""
    wished = attempt.route.candidate.replica.id
    attempt.replica = first.replica if is_name(first.replica) else wished
    if attempt.replica != wished:
        attempt.reason = f"its node took it instead of {wished}: {attempt.reason}"
    said = wished if attempt.granted else ""
    if first.replica != said:
        attempt.first = msgspec.structs.replace(first, replica=said)


def _preferred(chosen: Plan, request: Request) -> Considered:
    """The replica the origin asked for, if it may serve; else the best one."""
    wanted = (each for each in chosen.routes if each.candidate.replica.id == request.replica)
    return next(wanted, chosen.routes[0]) if request.replica else chosen.routes[0]
