"""The console's pages.

Now: who is here, what is being answered, is it inside the budget. Playground: an editor to try.
"""

import base64
import binascii
import ipaddress
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hansa.accounts.keys import KeyRing
from hansa.console.charts import budget_chart
from hansa.core.bounds import COMPLETE_BUDGET_MS
from hansa.core.errors import Unauthorized
from hansa.wire.native import NodeView, RequestView

FOLDER = Path(__file__).parent
ROWS_MAX = 30

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def routes(view: Callable[[], NodeView], keys: KeyRing) -> list[BaseRoute]:
    """The pages under `/console`, for the given node."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(template: str) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            if not may_look(request, keys):
                return _ask_for_key()
            text = environment.get_template(template).render(now_page(view()))
            return HTMLResponse(text, headers=SECURITY_HEADERS)

        return endpoint

    def front(_: Request) -> Response:
        return RedirectResponse("/console")

    return [
        Route("/", front, methods=["GET"]),
        Route("/console", page("now.html"), methods=["GET"]),
        Route("/console/now", page("now_live.html"), methods=["GET"]),
        Route("/console/playground", page("playground.html"), methods=["GET"]),
        Mount("/console/static", StaticFiles(directory=FOLDER / "static")),
    ]


def now_page(view: NodeView) -> dict[str, object]:
    """What the templates of the page Now show."""
    completions = [each for each in view.recent if _answered(each)]
    return {
        "view": view,
        "recent": view.recent[:ROWS_MAX],
        "budget_ms": COMPLETE_BUDGET_MS,
        "chart": budget_chart(completions, COMPLETE_BUDGET_MS),
        "within": sum(each.duration_ms <= each.budget_ms for each in completions),
        "completions": len(completions),
    }


def _answered(each: RequestView) -> bool:
    """A completion the client has read; an editor that has enough stops reading."""
    read = each.outcome == "served" or (each.outcome == "cancelled" and each.completion_tokens > 0)
    return each.task == "complete" and read


def may_look(request: Request, keys: KeyRing) -> bool:
    """Whoever sits at this machine may; others need an API key as the password.

    The `Host` header must name this machine too, so that no web page can look through a name of
    its own that points here.
    """
    client = request.client.host if request.client else ""
    if _loopback(client) and _names_this_machine(request.headers.get("host", "")):
        return True
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        keys.check(secret)
    except (binascii.Error, ValueError, Unauthorized):
        return False
    return True


def _names_this_machine(host_header: str) -> bool:
    try:
        host = urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return False
    return host == "localhost" or _loopback(host)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ask_for_key() -> Response:
    headers = {**SECURITY_HEADERS, "www-authenticate": 'Basic realm="Hansa", charset="UTF-8"'}
    return Response("An API key is needed; send it as the password.\n", 401, headers)
