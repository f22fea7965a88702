"""Whose trace a request belongs to; wrapped around the router only where traces are written."""

from starlette.types import ASGIApp, Receive, Scope, Send

from hansa.observe.genai import PARENT

_HEADER = b"traceparent"


class Traced:
    """Keeps the caller's `traceparent` with the task that works for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = (value for name, value in scope.get("headers", ()) if name == _HEADER)
        kept = PARENT.set(next(found, b"").decode("latin-1"))
        try:
            await self._app(scope, receive, send)
        finally:
            PARENT.reset(kept)
