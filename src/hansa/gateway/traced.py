"""Whose trace a request belongs to; wrapped around the router only where traces are written."""

from starlette.types import ASGIApp, Receive, Scope, Send

from hansa.observe.traces import HEADER, OWN, PARENT, own_traceparent

_HEADER = HEADER.encode()


class Traced:
    """Keeps the caller's `traceparent`, and our own, with the task that works for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = (value for name, value in scope.get("headers", ()) if name == _HEADER)
        parent = next(found, b"").decode("latin-1")
        kept, kept_own = PARENT.set(parent), OWN.set(own_traceparent(parent))
        try:
            await self._app(scope, receive, send)
        finally:
            PARENT.reset(kept)
            OWN.reset(kept_own)
