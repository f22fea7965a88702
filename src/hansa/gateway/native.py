"""Hansa's own dialect: the editor's requests, explanations of routes, the node's view."""

from collections.abc import Callable

import msgspec

from hansa.accounts.keys import ApiKey
from hansa.answer.answer import Answering
from hansa.answer.trials import Trials
from hansa.core.ids import new_request_id
from hansa.gateway.call import Call
from hansa.gateway.desk import Desk, scoped
from hansa.gateway.door import Sendable, decode, door, json_reply, native_form
from hansa.gateway.router import Route
from hansa.gateway.stream import Encoding, EventStream, events, route_headers
from hansa.routing.choose import Considered, Plan
from hansa.wire.native import Counted, Explanation, FateOf, NodeView, ReplicaChoice, error_body
from hansa.wire.requests import Request


class Asked(Request, frozen=True, forbid_unknown_fields=True):
    """A developer's request: members may be of another version than this node, an editor is not."""


encoding = Encoding(chunk=events(), error=lambda error: events("error")(error_body(error)))


def routes(
    desk: Desk, answering: Answering, trials: Trials, view: Callable[[], NodeView]
) -> list[Route]:
    """The endpoints under `/hansa/v1` for developers, for the given node."""

    async def answer(call: Call) -> Sendable:
        key = desk.caller(call)
        request = own_request(decode(await call.body(), Asked), key)
        begun = await desk.begin(key, request)
        return EventStream(begun, encoding, route_headers(begun))

    async def explain(call: Call) -> Sendable:
        key = desk.caller(call)
        request = own_request(decode(await call.body(), Asked), key)
        request = scoped(key, request)
        return json_reply(explanation(request, answering.explain(request)))

    async def outcomes(call: Call) -> Sendable:
        key = desk.caller(call)
        told = decode(await call.body(), FateOf)
        return json_reply(Counted(trials.tell(told.request, key.id, told.outcome)))

    async def node(call: Call) -> Sendable:
        desk.caller(call)
        return json_reply(view())

    return [
        Route("POST", "/hansa/v1/answer", door(answer, native_form)),
        Route("POST", "/hansa/v1/route/explain", door(explain, native_form)),
        Route("POST", "/hansa/v1/outcomes", door(outcomes, native_form)),
        Route("GET", "/hansa/v1/node", door(node, native_form)),
    ]


def own_request(request: Request, key: ApiKey) -> Request:
    """What the caller may not choose: id, tier and replica are the node's, the key's, routing's."""
    policy = msgspec.structs.replace(request.policy, tier=key.tier)
    return msgspec.structs.replace(request, id=new_request_id(), policy=policy, replica="")


def explanation(request: Request, plan: Plan) -> Explanation:
    """A plan in the form the command line and the console show."""
    chosen = plan.routes[0]
    return Explanation(
        task=request.task,
        budget_ms=plan.budget_ms,
        route=chosen.candidate.name,
        reason=plan.reason(chosen),
        considered=tuple(_choice(each, chosen) for each in plan.considered),
    )


def _choice(each: Considered, chosen: Considered) -> ReplicaChoice:
    candidate, predicted = each.candidate, each.prediction
    if each.refused:
        verdict, reason = "refused", f"{each.refused.rule}: {each.refused.reason}"
    elif not candidate.up:
        verdict, reason = "down", candidate.down_reason
    else:
        verdict, reason = ("chosen" if each is chosen else "possible"), ""
    return ReplicaChoice(
        replica=candidate.name,
        model=candidate.terms.model,
        region=candidate.replica.region,
        verdict=verdict,
        reason=reason,
        predicted_ms=round(predicted.total_ms, 1),
        network_ms=round(predicted.network_ms, 1),
        queue_ms=round(predicted.queue_ms, 1),
        prompt_ms=round(predicted.prompt_ms, 1),
        decode_ms=round(predicted.decode_ms, 1),
        cost_nanousd=predicted.cost_nanousd,
    )
