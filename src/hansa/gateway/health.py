"""For load balancers and Prometheus: is it alive, does it serve, what does it count."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.answer.admit import Gate
from hansa.gateway.door import error_reply
from hansa.gateway.openai import error_form
from hansa.gateway.router import not_offered, wrong_method
from hansa.observe.metrics import Metrics
from hansa.wire.native import NodeView


def routes(view: Callable[[], NodeView], metrics: Metrics, gate: Gate) -> list[Route]:
    """`/health` (the process runs), `/ready` (a replica can serve), `/metrics`."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        now = view()
        replicas = {each.replica: each.problem or "ready" for each in now.replicas}
        status = "draining" if now.draining else "ready" if now.ready else "not_ready"
        body = {"status": status, "replicas": replicas}
        return JSONResponse(body, 200 if now.ready else 503)

    async def metrics_text(_: Request) -> Response:
        metrics.in_flight.set(gate.in_flight)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/metrics", metrics_text, methods=["GET"]),
    ]


def no_such_endpoint(http: Request, failure: Exception) -> Response:
    """What is said about a path or method that nothing here has."""
    assert isinstance(failure, HTTPException)
    if failure.status_code == 405:
        error = wrong_method(http.method, http.url.path, (failure.headers or {}).get("Allow", ""))
    else:
        error = not_offered(http.method, http.url.path)
    reply = error_reply(error, error_form)
    return Response(reply.body, reply.status, reply.headers, media_type=reply.media_type)
