"""What a node remembers of its requests: metrics, log lines and the recent list."""

import asyncio

import structlog

from hansa.answer.attempt import Attempt
from hansa.answer.recent import Outcome, Recent
from hansa.answer.trials import Drawn, Trials
from hansa.core.clock import Clock
from hansa.core.errors import HansaError
from hansa.observe.genai import Operation, Telemetry
from hansa.observe.metrics import Metrics
from hansa.routing.choose import BUDGET_MS
from hansa.wire.native import RequestView
from hansa.wire.requests import Request

_log = structlog.get_logger()


class Journal:
    """Writes each request down once; no prompt, no answer, no person."""

    def __init__(
        self,
        recent: Recent,
        metrics: Metrics,
        clock: Clock,
        telemetry: Telemetry | None = None,
        trials: Trials | None = None,
    ) -> None:
        self.recent = recent
        self._trials = trials
        self._metrics = metrics
        self._clock = clock
        self._telemetry = telemetry

    def failover(self, attempt: Attempt, error: HansaError) -> None:
        self._metrics.failovers.inc()
        route = attempt.route.candidate.name
        if self._telemetry is not None:
            self._telemetry.failover(attempt.route.candidate.member.id, error.code)
        _log.warning("attempt_failed", request=attempt.request.id, route=route, error=error.message)

    def hedged(self, attempt: Attempt) -> None:
        """A second replica is asked, because the first is slower than usual."""
        server = attempt.route.candidate.member.id
        self._metrics.hedges.labels(server).inc()
        if self._telemetry is not None:
            self._telemetry.hedged(server)

    def disputed(self, attempt: Attempt, error: HansaError) -> None:
        server = attempt.route.candidate.member.id
        self._metrics.disputes.labels(server).inc()
        _log.error(
            "receipt_disputed", request=attempt.request.id, server=server, error=error.message
        )

    def ended(self, attempt: Attempt) -> None:
        """Write down an attempt that began to answer."""
        request, progress, candidate = attempt.request, attempt.progress, attempt.route.candidate
        duration_s = self._clock.monotonic_s() - attempt.arrived_s
        first_s = (progress.first_token_s or progress.started_s) - attempt.arrived_s
        usage = progress.usage
        served_here = request.model if candidate.local else ""
        self._metrics.ended(
            request.task,
            candidate.member.id,
            attempt.outcome,
            served_here,
            duration_s,
            first_s,
            (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens),
        )
        if self._trials is not None and attempt.drawn is not None:
            self._trials.ended(attempt.drawn, attempt.outcome, first_s, duration_s)
        self.recent.add(
            RequestView(
                request=request.id,
                at_ms=progress.started_at_ms,
                task=request.task,
                origin=attempt.origin,
                server=candidate.member.id,
                replica=attempt.replica,
                reason=attempt.reason,
                outcome=attempt.outcome,
                budget_ms=attempt.budget_ms,
                duration_ms=duration_s * 1000,
                first_token_ms=first_s * 1000,
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached_tokens,
                completion_tokens=usage.completion_tokens,
                attempts=attempt.number,
            )
        )
        if self._telemetry is not None:
            self._telemetry.ended(self._operation(attempt, duration_s, first_s))

    def stood_in(self, drawn: Drawn, error: BaseException, arrived_s: float) -> None:
        """A model of a trial did not begin; another may answer instead."""
        outcome = _outcome(error)
        if self._trials is not None and outcome != "refused":
            self._trials.unserved(drawn, outcome, self._clock.monotonic_s() - arrived_s)

    def unserved(
        self, request: Request, origin: str, error: BaseException, arrived_s: float
    ) -> None:
        """Write down a request that no replica began to answer."""
        outcome = _outcome(error)
        duration_s = self._clock.monotonic_s() - arrived_s
        self._metrics.requests.labels(request.task, "", outcome).inc()
        if self._telemetry is not None:
            self._telemetry.ended(
                Operation(
                    request=request.id,
                    task=request.task,
                    origin=origin,
                    outcome=outcome,
                    ended_at_ms=self._clock.now_ms(),
                    duration_s=duration_s,
                    error="" if outcome == "cancelled" else _code(error),
                )
            )
        self.recent.add(
            RequestView(
                request=request.id,
                at_ms=self._clock.now_ms(),
                task=request.task,
                origin=origin,
                server="",
                replica="",
                reason=_why(error),
                outcome=outcome,
                budget_ms=request.budget_ms or BUDGET_MS[request.task],
                duration_ms=duration_s * 1000,
                first_token_ms=None,
                prompt_tokens=0,
                cached_tokens=0,
                completion_tokens=0,
                attempts=0,
            )
        )

    def _operation(self, attempt: Attempt, duration_s: float, first_s: float) -> Operation:
        request, usage, candidate = (
            attempt.request,
            attempt.progress.usage,
            attempt.route.candidate,
        )
        return Operation(
            request=request.id,
            task=request.task,
            origin=attempt.origin,
            outcome=attempt.outcome,
            ended_at_ms=self._clock.now_ms(),
            duration_s=duration_s,
            model=request.model,
            server=candidate.member.id,
            replica=attempt.replica,
            address=candidate.member.url,
            attempts=attempt.number,
            error=attempt.error,
            first_s=first_s,
            tokens=(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens),
        )


def _outcome(error: BaseException) -> Outcome:
    """Of a request that was not begun."""
    if isinstance(error, HansaError) and error.status < 500:
        return "refused"  # By a rule, or because of what was asked: nothing of ours failed.
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, HansaError) else type(error).__name__


def _why(error: BaseException) -> str:
    if isinstance(error, HansaError):
        return error.message
    left = isinstance(error, asyncio.CancelledError)
    return "the client left before the first token" if left else type(error).__name__
