"""Clients that leave, or read nothing: the engine stops, the receipt is written, others are served.

They speak HTTP by hand, since an SDK does none of this.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from hansa.engines.stand_in import StandIn
from hansa.ledger.entries import Entry
from support.nodes import Running
from support.waiting import until

PIECE = "x" * 4096
PIECES = 1280
"""5 MiB in all, more than the buffers between an engine and a client hold."""

ABANDONED = 30
WAIT_S = 30.0


@pytest.fixture
async def up(fronting: Running, stand_in: StandIn) -> Running:
    stand_in.pieces, stand_in.write_bytes = (PIECE,) * PIECES, 32 * 1024
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    return fronting


class Client:
    """One connection that has sent a request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, text: bytes) -> bytes:
        """Read until `text` has come."""
        got = b""
        async with asyncio.timeout(WAIT_S):
            while text not in got:
                data = await self._reader.read(8192)
                assert data, got[:500]
                got += data
        return got

    async def rest(self) -> bytes:
        """All that comes until the connection ends, however it does."""
        got = b""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionError):
                while data := await self._reader.read(65536):
                    got += data
        return got

    def half_close(self) -> None:
        self._writer.write_eof()

    def leave(self) -> None:
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def client(up: Running, **more: Any) -> AsyncGenerator[Client]:
    """A client with small buffers, so that what it does not read is soon noticed."""
    body = {"model": "auto", "prompt": "x", "max_tokens": PIECES, "stream": True, **more}
    data = json.dumps(body).encode()
    host, _, port = up.url.removeprefix("http://").partition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=connection, limit=8192)
    head = (
        f"POST /v1/completions HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {up.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def metered(up: Running, count: int) -> list[Entry]:
    """The receipts, once there are so many and nothing is under way."""
    async with asyncio.timeout(WAIT_S):
        while len(found := list(await up.node.ledger.entries())) < count:
            await asyncio.sleep(0)
    await until(lambda: at_rest(up))
    return found


def at_rest(up: Running) -> bool:
    busy = sum(each.busy for each in up.node.fleet.local.values())
    return up.node.answering.gate.in_flight == 0 and busy == 0


async def test_many_that_abandon_long_streams_at_once_do_not_hold_up_the_node(
    up: Running, stand_in: StandIn
) -> None:
    begun, left = 0, 0
    held, go = asyncio.Event(), asyncio.Event()

    async def abandon() -> None:
        nonlocal begun, left
        async with client(up) as each:
            await each.read(b"xxxx")
            begun += 1
            if begun == ABANDONED:
                held.set()
            await go.wait()
            each.leave()
            left += 1

    async def keep_asking() -> list[int]:
        """The statuses of `/ready`, asked while the streams are held and until all are gone."""
        seen: list[int] = []
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as http:
            while left < ABANDONED or stand_in.open or not at_rest(up):
                async with http.get(f"{up.url}/ready") as reply:
                    seen.append(reply.status)
                if held.is_set() and len(seen) >= ABANDONED:
                    go.set()
        return seen

    async with asyncio.timeout(2 * WAIT_S):
        asking = asyncio.create_task(keep_asking())
        await asyncio.gather(*(abandon() for _ in range(ABANDONED)))
        seen = await asking
    assert set(seen) == {200}
    assert len(seen) > ABANDONED
    entries = await metered(up, ABANDONED)
    assert len({each.receipt.request for each in entries}) == len(entries) == ABANDONED
    assert {each.receipt.finish for each in entries} == {"cancelled"}
    assert all(0 < each.receipt.completion_tokens < PIECES for each in entries)


async def test_a_client_that_leaves_a_whole_answer_stops_the_engine_and_is_metered(
    up: Running, stand_in: StandIn
) -> None:
    stand_in.pieces, stand_in.write_bytes, stand_in.pause_s = ("x",) * 500, 300, 0.02
    async with client(up, stream=False) as each:
        await until(lambda: up.node.answering.gate.in_flight == 1 and stand_in.open == 1)
        await until(lambda: bool(up.node.fleet._pace._first_s))
        each.leave()
    await until(lambda: stand_in.open == 0)
    [entry] = await metered(up, 1)
    assert entry.receipt.finish == "cancelled"
    assert 0 < entry.receipt.completion_tokens < 500


async def test_a_client_that_reads_nothing_is_given_up_and_metered(
    up: Running, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.gateway.stream.REQUEST_DEADLINE_S", 0.5)
    monkeypatch.setattr("hansa.gateway.stream.LAST_WORD_S", 0.05)
    async with client(up) as each:
        [entry] = await metered(up, 1)
        await until(lambda: stand_in.open == 0)
        assert entry.receipt.finish == "cancelled"
        assert 0 < entry.receipt.completion_tokens < PIECES
        assert len(await each.rest()) < len(PIECE) * PIECES


async def test_a_client_that_reads_slowly_but_in_time_gets_all(up: Running) -> None:
    async with client(up, max_tokens=200) as each:
        said = await each.read(b"data: [DONE]")
    [entry] = await metered(up, 1)
    assert said.count(b"x" * 4096) == 200
    assert (entry.receipt.finish, entry.receipt.completion_tokens) == ("length", 200)


async def test_a_client_that_closes_its_half_has_left(up: Running, stand_in: StandIn) -> None:
    stand_in.pause_s = 0.02
    async with client(up) as each:
        await each.read(b"xxxx")
        each.half_close()
        got = await each.rest()
    assert b"[DONE]" not in got
    await until(lambda: stand_in.open == 0)
    [entry] = await metered(up, 1)
    assert entry.receipt.finish == "cancelled"
    assert 0 < entry.receipt.completion_tokens < PIECES
