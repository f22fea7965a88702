"""One request becomes one stream: admit, plan, try, close.

The same walk serves this node's own developers and, with a grant, other members: only which
replicas are eligible and how the receipt is signed differ.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from hansa.answer.admit import Gate, check_request
from hansa.answer.attempt import Asked, Attempt, Settled
from hansa.answer.begin import Beginning
from hansa.answer.closing import Closing, Granted
from hansa.answer.ending import Ending
from hansa.answer.fleet import Fleet
from hansa.answer.journal import Journal
from hansa.answer.trials import Drawn, Trials
from hansa.core.clock import Clock
from hansa.core.errors import EngineUnavailable, HansaError
from hansa.routing.choose import Plan, plan
from hansa.wire.protocol import ModelTerms
from hansa.wire.requests import ANY_MODEL, Chunk, Request

_log = structlog.get_logger()


@dataclass(slots=True)
class Answer:
    """A request that has been accepted by a replica; reading `chunks` drives it."""

    request: str
    route: str
    """`member/replica`."""
    reason: str
    model: str
    """Which one answers, whatever was asked for; the receipt names it too."""
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

    def __init__(
        self,
        *,
        fleet: Fleet,
        closing: Closing,
        journal: Journal,
        clock: Clock,
        trials: Trials | None = None,
    ) -> None:
        self._fleet = fleet
        self._journal = journal
        self._trials = trials or None
        """None where no candidate is on trial."""
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
        only: tuple[str, ...] = (),
    ) -> Answer:
        """Find a replica that begins to answer `request`.

        With `granted`, only this node's own replicas serve it and the last chunk has the receipt.
        `account` is the API key whose spend it adds to. `settled` is told once what an answer that
        was begun used and cost, however it ends, also if another member sends no receipt for it.
        `only` are the models that its caller may use; none: any.

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
            attempt = await self._begun(asked, only)
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
            attempt.route.candidate.terms.model,
            self._chunks(attempt),
            lambda: self._ending.settle(attempt),
        )

    async def close(self) -> None:
        """Wait until the receipts of abandoned requests are written."""
        await self._ending.done()

    async def end(self) -> None:
        """The same for a node that ends: also for requests that are being cut off just now."""
        await self._ending.end()

    async def _begun(self, asked: Asked, only: tuple[str, ...]) -> Attempt:
        """A replica that has begun: of the model asked for, or of a candidate in its place."""
        drawn = self._drawn(asked, only)
        if drawn is None:
            return await self._beginning.first_that_begins(asked)
        if not drawn.candidate:
            return await self._of_trial(asked, drawn)
        try:
            request = msgspec.structs.replace(asked.request, model=drawn.rule.candidate)
            attempt = await self._of_trial(replace(asked, request=request), drawn)
        except HansaError as error:
            # Nobody is worse off for a trial: the live model answers. Another member may have
            # signed a receipt for what broke off, so this is another request.
            _log.warning("canary_failed", request=asked.request.id, error=error.message)
            request = msgspec.structs.replace(asked.request, id=f"{asked.request.id}.live")
            return await self._beginning.first_that_begins(replace(asked, request=request))
        attempt.reason = f"on trial in place of {drawn.rule.model}: {attempt.reason}"
        return attempt

    async def _of_trial(self, asked: Asked, drawn: Drawn) -> Attempt:
        try:
            attempt = await self._beginning.first_that_begins(asked)
        except BaseException as error:  # a caller that left waited for one of the two as well
            self._journal.stood_in(drawn, error, asked.arrived_s)
            raise
        attempt.drawn = drawn
        return attempt

    def _drawn(self, asked: Asked, only: tuple[str, ...]) -> Drawn | None:
        """The request's place in a trial: only of our own developers, within what their key is
        for, and where the candidate costs no more than the model it stands in for."""
        if self._trials is None or asked.granted is not None:
            return None
        rule = self._trials.rule(self._model(asked.request))
        if rule is None or (only and rule.candidate not in only):
            return None
        terms = self._fleet.chain.current.terms
        live, candidate = terms(rule.model), terms(rule.candidate)
        if live is None or candidate is None or _dearer(candidate, live):
            return None
        return self._trials.draw(asked.request, rule.model, asked.account)

    def _model(self, request: Request) -> str:
        """What is asked for; where that is left open, what routing would take now."""
        if request.model != ANY_MODEL:
            return request.model
        try:
            return self.explain(request).routes[0].candidate.terms.model
        except HansaError:
            return ""

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


def _dearer(one: ModelTerms, other: ModelTerms) -> bool:
    """Whether a request may cost more with one than with the other."""
    return (
        one.price_input_nanousd_per_mtok > other.price_input_nanousd_per_mtok
        or one.price_output_nanousd_per_mtok > other.price_output_nanousd_per_mtok
    )


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
