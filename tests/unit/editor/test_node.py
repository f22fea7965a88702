"""The client against a node written here: what it sends, and everything that can go wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.core.bounds import BODY_BYTES_MAX
from hansa.core.errors import (
    EngineError,
    EngineUnavailable,
    HansaError,
    KeyScope,
    NotFound,
    PolicyRefusal,
    Unauthorized,
)
from hansa.editor.connection import Connection
from hansa.editor.failures import as_error
from hansa.editor.node import NodeClient
from hansa.wire.native import ErrorBody, error_body
from hansa.wire.requests import Chunk, Request, Usage
from hansa.wire.sse import encode_event

REQUEST = Request(id="req-1", task="complete", prefix="x = ")
LAST = Chunk(finish="stop", usage=Usage(4, 2, 0))

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[NodeClient]:
    app = web.Application()
    app.router.add_post("/hansa/v1/answer", handler)
    async with (
        TestServer(app) as server,
        NodeClient(connection_to(server), deadline_s=5) as node,
    ):
        yield node


async def stream(request: web.Request, *events: bytes) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "content-type": "text/event-stream",
            "hansa-request-id": "req-9",
            "hansa-route": "acme/r1",
            "hansa-route-reason": "cheapest in time",
        }
    )
    await response.prepare(request)
    for event in events:
        await response.write(event)
    return response


def chunk(value: Chunk) -> bytes:
    return encode_event(msgspec.json.encode(value))


async def read_all(node: NodeClient) -> list[Chunk]:
    async with node.answer(REQUEST) as answer:
        return [each async for each in answer.chunks]


async def test_an_answer() -> None:
    seen: list[tuple[str | None, Request]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        body = msgspec.json.decode(await request.read(), type=Request)
        seen.append((request.headers.get("authorization"), body))
        return await stream(request, chunk(Chunk("1")), chunk(Chunk(" + 1")), chunk(LAST))

    async with serving(handle) as node, node.answer(REQUEST) as answer:
        assert (answer.request_id, answer.route, answer.reason) == (
            "req-9",
            "acme/r1",
            "cheapest in time",
        )
        assert [each async for each in answer.chunks] == [Chunk("1"), Chunk(" + 1"), LAST]
    assert seen == [("Bearer secret", REQUEST)]


async def test_leaving_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = await stream(request, chunk(Chunk("1")))
        try:
            while True:
                await response.write(b": still here\n\n")
                await asyncio.sleep(0)
        except (ConnectionError, asyncio.CancelledError):
            gone.set()
        return response

    async with serving(handle) as node:
        async with node.answer(REQUEST) as answer:
            assert await anext(aiter(answer.chunks)) == Chunk("1")
        await asyncio.wait_for(gone.wait(), 5)


async def test_an_error_in_the_middle() -> None:
    data = msgspec.json.encode(ErrorBody("engine_error", "it crashed", hint="look", retryable=True))

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream(request, chunk(Chunk("1")), encode_event(data, "error"))

    async with serving(handle) as node:
        with pytest.raises(EngineError, match="it crashed") as caught:
            await read_all(node)
    assert caught.value.hint == "look"
    assert caught.value.retryable


async def test_a_refusal_names_its_rule() -> None:
    failure = ErrorBody("policy_refusal", "no replica in us", rule="residency")

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=403, body=msgspec.json.encode({"error": failure}))

    async with serving(handle) as node:
        with pytest.raises(PolicyRefusal) as caught:
            await read_all(node)
    assert caught.value.rule == "residency"


@pytest.mark.parametrize(
    ("status", "body"), [(502, b"<html>bad gateway</html>"), (200, b""), (302, b""), (500, b"{}")]
)
async def test_what_no_node_answers(status: int, body: bytes) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"location": "/elsewhere"})

    async with serving(handle) as node:
        with pytest.raises(EngineError, match=r"not as a Hansa node does|broke off"):
            await read_all(node)


@pytest.mark.parametrize("event", [b"data: {]\n\n", b'data: {"text": 1}\n\n', b"data: \xff\n\n"])
async def test_events_that_are_none(event: bytes) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream(request, event)

    async with serving(handle) as node:
        with pytest.raises(EngineError):
            await read_all(node)


async def test_a_stream_cut_in_the_middle() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = await stream(request, chunk(Chunk("1")))
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(handle) as node:
        with pytest.raises(EngineError, match="broke off"):
            await read_all(node)


async def test_a_stream_that_ends_without_an_end() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream(request, chunk(Chunk("1")))

    async with serving(handle) as node:
        with pytest.raises(EngineError, match="broke off"):
            await read_all(node)


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with NodeClient(Connection(url, "k")) as node:
            with pytest.raises(EngineUnavailable, match=f"no node answers at {url}") as caught:
                await read_all(node)
    assert "hansa up" in caught.value.hint


async def test_a_node_that_never_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with NodeClient(Connection(url, "k"), deadline_s=0.05) as node:
            with pytest.raises(EngineUnavailable, match="took too long"):
                await read_all(node)


async def test_fetch() -> None:
    seen: list[tuple[str, bytes]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, await request.read()))
        if len(seen) > 2:
            return web.json_response(
                {"error": {"code": "not_found", "message": "no x"}}, status=404
            )
        return web.Response(body=b"7" if len(seen) == 1 else b'"' + b"x" * 200_000 + b'"')

    app = web.Application()
    app.router.add_route("*", "/some/path", handle)
    async with TestServer(app) as server, NodeClient(connection_to(server)) as node:
        assert await node.fetch("/some/path", int) == 7
        assert len(await node.fetch("/some/path", str, b"{}")) == 200_000
        with pytest.raises(NotFound, match="no x"):
            await node.fetch("/some/path", int)
    assert seen == [("GET", b""), ("POST", b"{}"), ("GET", b"")]


async def test_a_body_without_end() -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * (BODY_BYTES_MAX + 1))

    app = web.Application()
    app.router.add_get("/some/path", handle)
    async with TestServer(app) as server, NodeClient(connection_to(server)) as node:
        with pytest.raises(EngineError, match="sent over"):
            await node.fetch("/some/path", str)


def connection_to(server: TestServer) -> Connection:
    return Connection(str(server.make_url("")).rstrip("/"), "secret")


def _all_kinds(kind: type[HansaError]) -> set[type[HansaError]]:
    return {kind}.union(*(_all_kinds(each) for each in kind.__subclasses__()))


def test_errors_come_back_as_what_they_were() -> None:
    assert type(as_error(ErrorBody("invalid_api_key", "no such key"))) is Unauthorized
    unknown = as_error(ErrorBody("of_tomorrow", "too many", retryable=True))
    assert type(unknown) is HansaError
    assert (unknown.code, unknown.retryable) == ("of_tomorrow", True)


def test_a_keys_scope_comes_back_with_its_refusal() -> None:
    refused = KeyScope("this key may not manage the node", scope="admin", hint="use another")
    told = as_error(error_body(refused))
    assert isinstance(told, KeyScope)
    assert (told.scope, told.message, told.hint) == ("admin", refused.message, "use another")
    odd = as_error(ErrorBody("key_scope", "no"))
    assert (odd.code, odd.message) == ("key_scope", "no")


@pytest.mark.parametrize("kind", sorted(_all_kinds(HansaError), key=lambda kind: kind.__name__))
def test_every_code_can_come_back(kind: type[HansaError]) -> None:
    assert as_error(ErrorBody(kind.code, "it is so")).code == kind.code
