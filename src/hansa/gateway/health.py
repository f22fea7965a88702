"""For load balancers and Prometheus: is it alive, does it serve, what does it count."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.answer.admit import Gate
from hansa.core.errors import NotFound
from hansa.gateway.openai import error_form
from hansa.observe.metrics import Metrics
from hansa.wire.native import NodeView


def routes(view: Callable[[], NodeView], metrics: Metrics, gate: Gate) -> list[Route]:
    """`/health` (the process runs), `/ready` (a replica can serve), `/metrics`."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        now = view()
        replicas = {each.replica: each.problem or "ready" for each in now.replicas}
        body = {"status": "ready" if now.ready else "not_ready", "replicas": replicas}
        return JSONResponse(body, 200 if now.ready else 503)

    async def metrics_text(_: Request) -> Response:
        metrics.in_flight.set(gate.in_flight)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/metrics", metrics_text, methods=["GET"]),
    ]


def no_such_endpoint(http: Request, _: Exception) -> Response:
    """What an SDK is told about an endpoint that Hansa does not offer."""
    error = NotFound(
        f"{http.method} {http.url.path} is not offered here", hint="README.md lists what is"
    )
    return Response(error_form(error), error.status, media_type="application/json")
