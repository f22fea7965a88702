"""Which endpoint a request is for: the API by exact path, all else by Starlette."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from hansa.core.errors import NotFound
from hansa.gateway.call import Call, Reply, WrongMethod
from hansa.gateway.door import ErrorForm, Handler, door


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

    def __init__(
        self, routes: Sequence[Route], pages: ASGIApp, forms: Mapping[str, ErrorForm]
    ) -> None:
        """`forms`: how errors look at and below a path; the longest that fits counts."""
        self._exact = {(each.method, each.path): each.handler for each in routes}
        self._below = [
            (each.method, each.path.removesuffix("*"), each.handler)
            for each in routes
            if each.path.endswith("/*")
        ]
        self._pages = pages
        self._forms = sorted(forms.items(), key=lambda each: len(each[0]), reverse=True)

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
        form = next((form for start, form in self._forms if _at_or_below(path, start)), None)
        if form is None:
            await self._pages(scope, receive, send)
        else:
            await door(self._refuse, form)(Call(scope, receive, send))

    async def _refuse(self, call: Call) -> Reply:
        """Raises the error for a path or method that the API does not have."""
        allowed = {method for method, path in self._exact if path == call.path}
        allowed |= {method for method, start, _ in self._below if call.path.startswith(start)}
        if allowed:
            raise wrong_method(call.method, call.path, ", ".join(sorted(allowed)))
        raise not_offered(call.method, call.path)


def not_offered(method: str, path: str) -> NotFound:
    return NotFound(f"{method} {path} is not offered here", hint="README.md lists what is")


def wrong_method(method: str, path: str, allowed: str) -> WrongMethod:
    """`allowed`: the methods that the path has, as in `Allow`."""
    error = WrongMethod(f"{path} does not take {method}", hint=f"it takes {allowed}")
    error.headers = {"allow": allowed}
    return error


def _at_or_below(path: str, start: str) -> bool:
    return path == start or path.startswith(f"{start}/")
