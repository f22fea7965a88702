"""Which replica, and why: policy filters, predicted time and cost order."""

from collections.abc import Callable, Sequence

import msgspec

from hansa.core.bounds import COMPLETE_BUDGET_MS
from hansa.core.errors import (
    DeadlineUnmet,
    EngineUnavailable,
    HansaError,
    NotFound,
    PolicyRefusal,
    Unsupported,
)
from hansa.routing.candidates import Candidate
from hansa.routing.demand import Demand
from hansa.routing.predict import Prediction, predict
from hansa.routing.rules import RULES, Refusal, refusal
from hansa.wire.requests import ANY_MODEL, Request, Task

BUDGET_MS: dict[Task, int] = {
    "complete": COMPLETE_BUDGET_MS,
    "edit": 3_000,
    "apply": 3_000,
    "chat": 10_000,
    "reason": 60_000,
    "embed": 1_000,
}
"""What a task may take end to end when the request does not say."""


class Considered(msgspec.Struct, frozen=True):
    """One replica and what became of it."""

    candidate: Candidate
    prediction: Prediction
    refused: Refusal | None

    @property
    def usable(self) -> bool:
        return self.refused is None and self.candidate.up


class Plan(msgspec.Struct, frozen=True):
    """Replicas in the order to try them, and every replica that was considered."""

    budget_ms: int
    routes: tuple[Considered, ...]
    considered: tuple[Considered, ...]

    def reason(self, route: Considered) -> str:
        """One sentence on why `route` was taken."""
        predicted = f"predicted {route.prediction.total_ms:.0f} ms, budget {self.budget_ms} ms"
        others = [each for each in self.routes if each is not route]
        if not others:
            refused = sum(each.refused is not None for each in self.considered)
            why = "the only replica that may serve it" if refused else "the only replica up"
            return f"{why}, {predicted}"
        return f"{self._advantage(route, others)}, {predicted}"

    def _advantage(self, route: Considered, others: list[Considered]) -> str:
        count = len(others) + 1
        if not _within(route, self.budget_ms):
            return f"the fastest of {count}"
        if any(each.prediction.cost_nanousd > route.prediction.cost_nanousd for each in others):
            return f"the cheapest of {count} within the budget"
        if route.candidate.warm_chars > max(each.candidate.warm_chars for each in others):
            return f"the warmest cache of {count}"
        return f"the fastest of {count} within the budget"


def plan(request: Request, candidates: Sequence[Candidate]) -> Plan:
    """Order the replicas that may serve `request`: cheapest within the budget first, then fastest.

    Raises:
        NotFound: no member offers the model.
        Unsupported: no engine can do all that is asked; it names what.
        PolicyRefusal: a rule leaves no replica; it names the rule.
        EngineUnavailable: every replica that may serve it is down.
        DeadlineUnmet: none of them can answer by the request's deadline.
    """
    offered = [each for each in candidates if request.model in (ANY_MODEL, each.terms.model)]
    if not offered:
        raise _nothing_offered(request, candidates)
    demand = Demand.of(request)
    considered = tuple(
        Considered(each, predict(demand, each), refusal(demand, each)) for each in offered
    )
    allowed = [each for each in considered if each.refused is None]
    if not allowed:
        raise _nothing_allowed(considered)
    budget_ms = request.budget_ms or BUDGET_MS[request.task]
    routes = tuple(sorted((each for each in allowed if each.usable), key=_order(budget_ms)))
    if not routes:
        raise _nothing_up(allowed)
    if request.deadline_ms is not None:
        routes = _in_time(routes, request.deadline_ms)
    return Plan(budget_ms, routes, considered)


def _order(budget_ms: int) -> Callable[[Considered], tuple[bool, int, float, str]]:
    def key(each: Considered) -> tuple[bool, int, float, str]:
        within = _within(each, budget_ms)
        cost = each.prediction.cost_nanousd if within else 0
        return (not within, cost, each.prediction.total_ms, each.candidate.name)

    return key


def _within(each: Considered, budget_ms: int) -> bool:
    return each.prediction.total_ms <= budget_ms


def _in_time(routes: tuple[Considered, ...], deadline_ms: int) -> tuple[Considered, ...]:
    """The routes that are predicted to answer by then. Raises DeadlineUnmet if none is."""
    kept = tuple(each for each in routes if _within(each, deadline_ms))
    if not kept:
        raise _nothing_in_time(routes, deadline_ms)
    return kept


def _nothing_in_time(routes: Sequence[Considered], deadline_ms: int) -> DeadlineUnmet:
    quickest = min(routes, key=lambda each: each.prediction.total_ms)
    predicted = quickest.prediction
    error = DeadlineUnmet(
        f"no replica can answer in the {deadline_ms} ms that are left: the quickest, "
        f"{quickest.candidate.name}, would take {predicted.total_ms:.0f} ms, "
        f"{predicted.queue_ms:.0f} ms of it in its queue",
        hint="try again later, allow more time, or ask for fewer tokens",
    )
    error.retry_after_s = predicted.queue_ms / 1000
    return error


def _nothing_offered(request: Request, candidates: Sequence[Candidate]) -> Exception:
    if not candidates:
        return EngineUnavailable(
            "no member of the league has a replica",
            hint="start a node that has one, or wait until its status has arrived",
        )
    models = sorted({each.terms.model for each in candidates})
    return NotFound(
        f"no member offers the model {request.model!r}", hint=f"offered: {', '.join(models)}"
    )


def _nothing_allowed(considered: Sequence[Considered]) -> HansaError:
    order = list(RULES)
    refusals = [(each.candidate.name, each.refused) for each in considered if each.refused]
    last = max((refused.rule for _, refused in refusals), key=order.index)
    said = "; ".join(f"{name}: {refused.reason}" for name, refused in refusals)
    if last == "capability":
        return Unsupported(
            f"no replica can do what is asked: {said}",
            hint="leave it out, or ask for a model that can; GET /v1/models lists them",
        )
    mend = "send less, ask for fewer tokens" if last == "context" else f"relax the rule {last!r}"
    return PolicyRefusal(
        f"no replica may serve this request: {said}",
        rule=last,
        hint=f"{mend}, or have a member offer a replica that meets it",
    )


def _nothing_up(allowed: Sequence[Considered]) -> EngineUnavailable:
    said = "; ".join(f"{each.candidate.name}: {each.candidate.down_reason}" for each in allowed)
    return EngineUnavailable(f"every replica that may serve this is down: {said}", hint="try again")
