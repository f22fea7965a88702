"""Another member's node as an engine: everything it can do wrong is an error of ours."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.core.bounds import SSE_EVENT_BYTES_MAX
from hansa.core.errors import (
    DeadlineUnmet,
    EngineError,
    EngineUnavailable,
    HansaError,
    PeerError,
    PeerUnavailable,
    PolicyRefusal,
)
from hansa.engines import peer
from hansa.engines.peer import Peer, PeerClient
from hansa.wire.protocol import GRANT_HEADER, HELLO_HEADER
from hansa.wire.requests import Chunk, Request, Usage
from hansa.wire.sse import encode_event
from support.league import free_port
from support.waiting import until

REQUEST = Request("r", "complete", prefix="x")
LAST = Chunk(finish="stop", usage=Usage(1, 2), receipt="{}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Node:
    """Answers everything with `handler`."""

    url: str = ""
    handler: Handler | None = None
    seen: list[tuple[web.Request, bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request, await request.read()))
        assert self.handler
        return await self.handler(request)

    def answers(self, body: bytes, status: int = 200) -> None:
        async def handler(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status)

        self.handler = handler


@pytest.fixture
async def node() -> AsyncGenerator[Node]:
    node = Node()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", node.handle)
    async with TestServer(app) as server:
        node.url = str(server.make_url("")).rstrip("/")
        yield node


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(node: Node, http: aiohttp.ClientSession) -> PeerClient:
    return PeerClient("borg", node.url, http)


def as_engine(client: PeerClient) -> Peer:
    return Peer(client, lambda request, body: f"grant of {request.id} for {len(body)} bytes")


async def read(client: PeerClient) -> list[Chunk]:
    return [chunk async for chunk in as_engine(client).stream(REQUEST)]


def events(*chunks: Chunk) -> bytes:
    return b"".join(encode_event(msgspec.json.encode(each)) for each in chunks)


async def test_a_request_goes_out_with_its_grant_and_the_chunks_come_back(
    node: Node, client: PeerClient
):
    node.answers(events(Chunk("a"), Chunk("b"), LAST))
    assert await read(client) == [Chunk("a"), Chunk("b"), LAST]
    [(request, body)] = node.seen
    assert request.path == "/hansa/v1/peer/answer"
    assert msgspec.json.decode(body, type=Request) == REQUEST
    assert request.headers[GRANT_HEADER] == f"grant of r for {len(body)} bytes"


async def test_a_node_that_is_not_there_is_unavailable(http: aiohttp.ClientSession):
    client = PeerClient("borg", f"http://127.0.0.1:{free_port()}", http)
    with pytest.raises(PeerUnavailable, match="borg's node cannot be reached at http://127") as it:
        await read(client)
    assert it.value.retryable
    with pytest.raises(PeerUnavailable):
        await client.get("status", "hello")


async def test_its_error_is_told_as_its_own(node: Node, client: PeerClient):
    node.answers(b'{"code":"x","message":"no room","hint":"wait","retryable":true}', 503)
    with pytest.raises(EngineUnavailable, match="borg: no room") as caught:
        await read(client)
    assert caught.value.hint == "wait"
    node.answers(b'{"error":{"message":"bad grant"}}', 403)
    with pytest.raises(PeerError, match="borg: bad grant"):
        await read(client)


async def test_too_little_time_is_not_taken_for_a_fault(node: Node, client: PeerClient):
    node.answers(b'{"code":"deadline_unmet","message":"too late","retryable":true}', 503)
    with pytest.raises(DeadlineUnmet, match="borg: too late"):
        await read(client)


async def test_its_refusal_keeps_its_rule(node: Node, client: PeerClient):
    node.answers(b'{"message":"not here","rule":"residency"}', 403)
    with pytest.raises(PolicyRefusal) as caught:
        await read(client)
    assert caught.value.rule == "residency"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"x"', b'{"error":null}', b'{"error":[]}', b"\xff",
             b'{"error":{"message":"m","hint":{}}}', b"[" * 5000]
)  # fmt: skip
async def test_any_other_body_is_a_peer_error(node: Node, client: PeerClient, body: bytes):
    node.answers(body, 500)
    with pytest.raises(PeerError):
        await read(client)


async def test_an_error_in_the_stream_is_raised_where_it_comes(node: Node, client: PeerClient):
    node.answers(events(Chunk("a")) + encode_event(b'{"message":"broke"}', "error"))
    stream = as_engine(client).stream(REQUEST)
    assert await anext(stream) == Chunk("a")
    with pytest.raises(PeerError, match="borg: broke"):
        await anext(stream)


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"text":5}', b'{"finish":"maybe"}', b"", b'{"x":' + b"[" * 5000]
)
async def test_a_chunk_that_is_none_is_a_peer_error(node: Node, client: PeerClient, data: bytes):
    node.answers(encode_event(data))
    with pytest.raises(PeerError):
        await read(client)


async def test_a_stream_without_a_last_chunk_is_a_peer_error(node: Node, client: PeerClient):
    node.answers(events(Chunk("a")))
    with pytest.raises(PeerError, match="without a last chunk"):
        await read(client)
    node.answers(b"")
    with pytest.raises(PeerError, match="without a last chunk"):
        await read(client)


async def test_a_cut_stream_is_a_peer_error_that_is_not_tried_again(node: Node, client: PeerClient):
    async def cut(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"content-length": "10000"})
        await reply.prepare(request)
        await reply.write(events(Chunk("a")))
        assert request.transport
        request.transport.close()
        return reply

    node.handler = cut
    with pytest.raises(PeerError, match="borg's node broke off") as caught:
        await read(client)
    assert not caught.value.retryable


async def test_a_stream_of_one_endless_event_is_given_up(node: Node, client: PeerClient):
    async def endless(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        while True:
            await reply.write(b"x" * 65536)

    node.handler = endless
    with pytest.raises(EngineError, match=f"over {SSE_EVENT_BYTES_MAX} bytes"):
        await read(client)


@pytest.mark.parametrize("status", [200, 500])
async def test_an_oversized_reply_is_given_up(
    node: Node, client: PeerClient, monkeypatch: pytest.MonkeyPatch, status: int
):
    monkeypatch.setattr(peer, "REPLY_BYTES_MAX", 1000)
    node.answers(b"x" * 1000, 200)
    assert len(await client.get("export", "hello")) == 1000
    node.answers(b"x" * 1001, status)
    with pytest.raises(PeerError, match="a reply of over 1000 bytes"):
        await client.get("export", "hello")


async def test_a_node_that_does_not_answer_is_given_up(node: Node, client: PeerClient):
    silent = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await silent.wait()
        return web.Response()

    node.handler = wait
    with pytest.raises(PeerUnavailable, match="TimeoutError"):
        await client.get("status", "hello", timeout_s=0.01)
    silent.set()


async def test_leaving_closes_the_connection(node: Node, client: PeerClient):
    open_connections: list[asyncio.Transport] = []

    async def first_only(request: web.Request) -> web.StreamResponse:
        assert request.transport
        open_connections.append(request.transport)
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(events(Chunk("a")))
        await until(request.transport.is_closing)
        return reply

    node.handler = first_only
    stream = as_engine(client).stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    await until(open_connections[0].is_closing)


async def test_other_messages_carry_a_hello(node: Node, client: PeerClient):
    node.answers(b"reply")
    assert await client.post("receipts", b"body", "hello") == b"reply"
    assert await client.get("status", "hello") == b"reply"
    (posted, body), (asked, nothing) = node.seen
    assert (posted.method, posted.path, body) == ("POST", "/hansa/v1/peer/receipts", b"body")
    assert (asked.method, asked.path, nothing) == ("GET", "/hansa/v1/peer/status", b"")
    assert posted.headers[HELLO_HEADER] == asked.headers[HELLO_HEADER] == "hello"
    node.answers(b'{"message":"who are you"}', 403)
    with pytest.raises(HansaError, match="borg: who are you"):
        await client.post("receipts", b"body", "hello")
