"""One request becomes one stream: admit, plan, try, close.

The same walk serves this node's own developers and, with a grant, other members: only which
replicas are eligible and how the receipt is signed differ.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog

from hansa.answer.admit import Gate, check_request
from hansa.answer.attempt import Asked, Attempt, Settled
from hansa.answer.begin import Beginning
from hansa.answer.closing import Closing, Granted
from hansa.answer.ending import Ending
from hansa.answer.fleet import Fleet
from hansa.answer.journal import Journal
from hansa.core.clock import Clock
from hansa.core.errors import EngineUnavailable, HansaError
from hansa.routing.choose import Plan, plan
from hansa.wire.requests import Chunk, Request

_log = structlog.get_logger()


@dataclass(slots=True)
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
        self._journal = journal
        self._clock = clock
        self.gate = Gate()
        self._ending = Ending(
            gate=self.gate, fleet=fleet, closing=closing, journal=journal, clock=clock
        )
        self._beginning = Beginning(
            ending=self._ending, fleet=fleet, closing=closing, journal=journal, clock=clock
        )

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
            attempt = await self._beginning.first_that_begins(asked)
        except BaseException as error:  # a cancelled request gives its place back too
            if entered:
                self.gate.leave()
            origin = asked.origin(self._fleet.member)
            self._journal.unserved(request, origin, error, asked.arrived_s)
            raise
        attempt.holds_place = True
        return Answer(
            request.id,
            f"{attempt.route.candidate.member.id}/{attempt.replica}",
            attempt.reason,
            self._chunks(attempt),
            lambda: self._ending.settle(attempt),
        )

    async def close(self) -> None:
        """Wait until the receipts of abandoned requests are written."""
        await self._ending.done()

    async def end(self) -> None:
        """The same for a node that ends: also for requests that are being cut off just now."""
        await self._ending.end()

    async def _chunks(self, attempt: Attempt) -> AsyncGenerator[Chunk]:
        """The answer's chunks; text that nobody reads as it comes is sent with the last one."""
        chunk, last = attempt.first, None
        held: list[Chunk] = []
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
                elif _is_plain(chunk):
                    held.append(chunk)
                else:
                    yield _with_held(held, chunk)
                    held.clear()
                chunk = await anext(attempt.stream, None)
            if last is None:
                name = attempt.route.candidate.name
                raise EngineUnavailable(f"{name} ended without a last chunk")
            last = await self._ending.close(attempt, _with_held(held, last))
            attempt.outcome = "served"
            yield last
        except HansaError as error:
            attempt.outcome, attempt.error = "failed", error.code
            self._ending.suspect(attempt, error)
            _log.warning("answer_broke_off", request=attempt.request.id, error=error.message)
            raise
        finally:
            self._ending.settle(attempt)


def _is_plain(chunk: Chunk) -> bool:
    """Whether it has nothing but text and its log-probabilities, of the only answer."""
    return not (chunk.reasoning or chunk.tool_calls or chunk.ends or chunk.choice)


def _with_held(held: list[Chunk], chunk: Chunk) -> Chunk:
    """`chunk` with what came before it and was held back."""
    if not held:
        return chunk
    text = "".join(each.text for each in held) + chunk.text
    logprobs = tuple(token for each in (*held, chunk) for token in each.logprobs)
    return msgspec.structs.replace(chunk, text=text, logprobs=logprobs)
