"""From a request to a replica that has begun to answer it: plan, try, race, try elsewhere."""

import asyncio
from dataclasses import replace

import msgspec

from hansa.answer.attempt import Asked, Attempt
from hansa.answer.closing import Closing, Progress
from hansa.answer.ending import Ending
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
    PeerError,
    PolicyRefusal,
)
from hansa.core.ids import is_name
from hansa.routing.choose import Considered, Plan, plan
from hansa.wire.requests import Chunk, Request

FIRST_CHUNK_TIMEOUT_S = 30.0
"""A replica that has not begun by then is given up for another."""


class Beginning:
    """Finds the replica that answers; whatever else was asked is ended."""

    def __init__(
        self, *, fleet: Fleet, closing: Closing, ending: Ending, journal: Journal, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._closing = closing
        self._ending = ending
        self._journal = journal
        self._clock = clock

    async def first_that_begins(self, asked: Asked) -> Attempt:
        """Ask one replica after the other until one begins; raises what the last one raised."""
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
                    self._ending.in_background(self._give_up(task, attempt))

    async def _give_up(self, task: asyncio.Task[None], attempt: Attempt) -> None:
        """End an attempt that lost the race, or whose client left during it, and meter it."""
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None:
            # It had begun in the same moment, so it holds its place at the replica.
            self._fleet.end(attempt.route.candidate)
            await self._ending.abandon(attempt)
        elif task.cancelled() and attempt.route.candidate.local:
            await self._ending.meter(attempt)

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
            origin=asked.origin(self._fleet.member),
            granted=asked.granted,
            account=asked.account,
            stream=self._fleet.engine(route.candidate).stream(own),
            progress=Progress(self._clock.now_ms(), self._clock.monotonic_s()),
            arrived_s=asked.arrived_s,
            settled=asked.settled,
            until_s=asked.until_s,
        )

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
            self._ending.suspect(attempt, error)
            raise error from None

    def _wait_s(self, attempt: Attempt) -> float:
        """How long its first chunk is waited for."""
        if attempt.until_s is None:
            return FIRST_CHUNK_TIMEOUT_S
        return min(FIRST_CHUNK_TIMEOUT_S, attempt.until_s - self._clock.monotonic_s())


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
