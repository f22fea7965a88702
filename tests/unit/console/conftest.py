"""The console's pages, asked for as ASGI, so that a test says where the asker sits."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette

from hansa.accounts.keys import KeyRing
from hansa.console import pages
from hansa.core.clock import SystemClock
from hansa.wire.native import MemberView, NodeView, ReplicaView, RequestView

EMPTY = NodeView(
    member="acme", league="north", epoch=1, charter="c" * 64, pid=1, ready=True, in_flight=0,
    members=(), replicas=(), recent=(), receipts=0, log_root="0" * 64,
)  # fmt: skip


def a_request(**changes: Any) -> RequestView:
    view = RequestView(
        request="req-1", at_ms=0, task="complete", origin="acme", server="acme", replica="r1",
        reason="the only replica up", outcome="served", budget_ms=200, duration_ms=120.0,
        first_token_ms=30.0, prompt_tokens=10, cached_tokens=0, completion_tokens=5, attempts=1,
    )  # fmt: skip
    return msgspec.structs.replace(view, **changes)


def full_view(**changes: Any) -> NodeView:
    view = msgspec.structs.replace(
        EMPTY,
        members=(
            MemberView("acme", "Acme", "eu", "http://acme", up=True, problem=""),
            MemberView("borg", "Borg", "us", "http://borg", up=False, problem="no answer"),
        ),
        replicas=(
            ReplicaView("acme/r1", "small", "eu", True, "", 1, 2, 0.5, 400.0, 100.0),
            ReplicaView("borg/r1", "small", "us", False, "stale", 0, 2, 9.0, 1.0, 1.0),
        ),
        recent=(a_request(), a_request(duration_ms=450.0, attempts=2)),
    )
    return msgspec.structs.replace(view, **changes)


@dataclass
class Console:
    keys: KeyRing
    view: NodeView = field(default_factory=lambda: EMPTY)

    def app(self) -> Starlette:
        return Starlette(routes=pages.routes(lambda: self.view, self.keys))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str


Get = Callable[..., Awaitable[Reply]]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(KeyRing(tmp_path / "keys.json", SystemClock()))


@pytest.fixture
def get(console: Console) -> Get:
    async def get(
        path: str = "/console",
        *,
        client: str | None = "127.0.0.1",
        host: str = "127.0.0.1:8420",
        authorization: str = "",
        method: str = "GET",
    ) -> Reply:
        headers = [(b"host", host.encode())]
        if authorization:
            headers.append((b"authorization", authorization.encode("latin-1")))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "headers": headers, "client": (client, 5000) if client else None,
            "server": ("127.0.0.1", 8420),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        body = asyncio.Queue[dict[str, Any]]()
        body.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(message: Any) -> None:
            sent.append(message)

        await console.app()(scope, body.get, send)
        text = b"".join(each.get("body", b"") for each in sent[1:]).decode()
        headers_out = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], headers_out, text)

    return get


def basic(password: str, user: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
