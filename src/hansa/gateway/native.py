"""Hansa's own dialect: the editor's requests, explanations of routes, the node's view."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.answer.answer import Answering
from hansa.core.ids import new_request_id
from hansa.gateway.door import caller, decode, door, json_response, native_form, read_body
from hansa.gateway.stream import Encoding, EventStream, begin, events
from hansa.routing.choose import Considered, Plan
from hansa.wire.native import Explanation, NodeView, ReplicaChoice, error_body
from hansa.wire.requests import Request

encoding = Encoding(chunk=events(), error=lambda error: events("error")(error_body(error)))


def routes(answering: Answering, keys: KeyRing, view: Callable[[], NodeView]) -> list[Route]:
    """The endpoints under `/hansa/v1` for developers, for the given node."""

    async def answer(http: HttpRequest) -> Response:
        key = caller(http, keys)
        request = own_request(decode(await read_body(http), Request), key)
        return EventStream(await begin(http, answering, request), encoding)

    async def explain(http: HttpRequest) -> Response:
        key = caller(http, keys)
        request = own_request(decode(await read_body(http), Request), key)
        return json_response(explanation(request, answering.explain(request)))

    async def node(http: HttpRequest) -> Response:
        caller(http, keys)
        return json_response(view())

    return [
        Route("/hansa/v1/answer", door(answer, native_form), methods=["POST"]),
        Route("/hansa/v1/route/explain", door(explain, native_form), methods=["POST"]),
        Route("/hansa/v1/node", door(node, native_form), methods=["GET"]),
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
