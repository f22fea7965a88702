"""A node that gives fixed answers, and the command line run against it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.cli.main import main
from hansa.wire.requests import Chunk, Request, Usage
from hansa.wire.sse import encode_event


@dataclass
class FixedNode:
    """Gives its texts in turn, the last one ever after."""

    texts: list[str] = field(default_factory=lambda: [""])
    refusal: dict[str, str] | None = None
    asked: list[Request] = field(default_factory=list[Request])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(msgspec.json.decode(await request.read(), type=Request))
        if self.refusal:
            return web.json_response({"error": self.refusal}, status=403)
        text = self.texts[min(len(self.asked), len(self.texts)) - 1]
        last = Chunk(finish="stop", usage=Usage(9, len(text), 0))
        body = b"".join(
            encode_event(msgspec.json.encode(each))
            for each in (Chunk(text[:5]), Chunk(text[5:]), last)
        )
        route = {"hansa-route": "acme/r1", "hansa-route-reason": "the only one"}
        return web.Response(body=body, content_type="text/event-stream", headers=route)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
async def fixed_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FixedNode]:
    """Serves, and is what the command line finds."""
    node = FixedNode()
    app = web.Application()
    app.router.add_post("/hansa/v1/answer", node.answer)
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("HANSA_STATE_DIR", str(state))
    monkeypatch.delenv("HANSA_NODE_URL", raising=False)
    monkeypatch.delenv("HANSA_API_KEY", raising=False)
    async with TestServer(app) as server:
        client = {"url": str(server.make_url("")), "key": "k"}
        (state / "client.json").write_bytes(msgspec.json.encode(client))
        yield node


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `hansa ARGS` in `tmp_path`'s folder `code`, in a thread, as it has a loop of its own."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call() -> int:
        try:
            main()
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 1
        return 0

    async def run(*args: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["hansa", *args])
        code = await asyncio.to_thread(call)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run
