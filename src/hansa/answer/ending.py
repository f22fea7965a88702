"""How an attempt ends: its receipt written, its place given back, however it ended."""

import asyncio
import contextlib
from collections.abc import Coroutine

import msgspec
import structlog

from hansa.answer.admit import Gate
from hansa.answer.attempt import Attempt
from hansa.answer.closing import Closing
from hansa.answer.fleet import Fleet
from hansa.answer.journal import Journal
from hansa.core.clock import Clock
from hansa.core.errors import (
    DeadlineUnmet,
    EngineError,
    EngineUnavailable,
    HansaError,
    IntegrityError,
    PeerUnavailable,
)
from hansa.ledger.receipts import price
from hansa.wire.requests import Chunk

END_TIMEOUT_S = 5.0
"""A node that ends waits so long for the requests it has cut off to be written down."""

_log = structlog.get_logger()


class Ending:
    """Ends the attempts of one node."""

    def __init__(
        self, *, gate: Gate, fleet: Fleet, closing: Closing, journal: Journal, clock: Clock
    ) -> None:
        self._gate = gate
        self._fleet = fleet
        self._closing = closing
        self._journal = journal
        self._clock = clock
        self._background: set[asyncio.Task[None]] = set()

    def settle(self, attempt: Attempt) -> None:
        """Give back what the attempt held, once, however it ended."""
        if not attempt.holds_place:
            return
        attempt.holds_place = False
        self._gate.leave()
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
            self.in_background(self.abandon(attempt))

    async def close(self, attempt: Attempt, chunk: Chunk) -> Chunk:
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
        return msgspec.structs.replace(chunk, usage=progress.usage, receipt=receipt)

    async def _accept(self, attempt: Attempt, chunk: Chunk) -> None:
        try:
            await self._closing.received(attempt.request, chunk, attempt.progress, attempt.account)
        except IntegrityError as error:
            # The developer keeps the answer; the receipt stays unsigned and shows as disputed.
            self._journal.disputed(attempt, error)
        finally:
            self._closing.forget(attempt.request.id)

    async def abandon(self, attempt: Attempt) -> None:
        """Stop the work upstream and meter what was generated until then."""
        attempt.closed = True
        with contextlib.suppress(HansaError):
            await attempt.stream.aclose()
        self._closing.forget(attempt.request.id)
        if attempt.route.candidate.local:
            await self.meter(attempt)

    async def meter(self, attempt: Attempt) -> None:
        """Write the receipt of an attempt that was given up."""
        try:
            await self._closing.served(
                attempt.request, attempt.route.candidate, attempt.progress, "cancelled",
                attempt.granted, attempt.account,
            )  # fmt: skip
        except HansaError as error:
            _log.error("receipt_not_stored", request=attempt.request.id, error=error.message)

    def in_background(self, work: Coroutine[None, None, None]) -> None:
        """Have something done that nobody waits for; `done` waits for all of it."""
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

    def suspect(self, attempt: Attempt, error: BaseException) -> None:
        """Note what a failure says about the replica that failed."""
        if isinstance(error, DeadlineUnmet):
            return
        candidate = attempt.route.candidate
        out_of_reach = isinstance(error, (EngineUnavailable, PeerUnavailable))
        if out_of_reach or (candidate.local and isinstance(error, EngineError)):
            assert isinstance(error, HansaError)
            self._fleet.suspect(candidate, error)

    async def done(self) -> None:
        """Wait until the receipts of abandoned requests are written."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def end(self) -> None:
        """The same for a node that ends: also for requests that are being cut off just now."""
        until_s = self._clock.monotonic_s() + END_TIMEOUT_S
        while self._gate.in_flight and self._clock.monotonic_s() < until_s:  # noqa: ASYNC110  once, at the end
            await asyncio.sleep(0.01)
        await self.done()
