"""Which endpoint a request is for: the API by exact path, all else by Starlette."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from hansa.gateway.call import Call
from hansa.gateway.door import Handler


@dataclass(frozen=True, slots=True)
class Route:
    """`path` ends in `/*` where the rest of it is a parameter."""

    method: str
    path: str
    handler: Handler


class Router:
    """The node's ASGI application.

    An API request costs one look into a table here; Starlette, which serves the pages, would cost
    as much as all of the node's own work on it (docs/log.md).
    """

    def __init__(self, routes: Sequence[Route], pages: ASGIApp) -> None:
        self._exact = {(each.method, each.path): each.handler for each in routes}
        self._below = [
            (each.method, each.path.removesuffix("*"), each.handler)
            for each in routes
            if each.path.endswith("/*")
        ]
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        handler = self._exact.get((method, path))
        if handler is not None:
            await handler(Call(scope, receive, send))
            return
        for allowed, start, below in self._below:
            if method == allowed and path.startswith(start):
                await below(Call(scope, receive, send, path.removeprefix(start)))
                return
        await self._pages(scope, receive, send)
