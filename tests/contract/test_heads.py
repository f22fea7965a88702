"""What comes before a request's body, and after it, is bounded."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest

from hansa.core.bounds import BODY_BYTES_MAX
from hansa.serving import HEAD_BYTES_MAX
from support.nodes import Running

PART = 16 * 1024
PARTS_MAX = 64
"""1 MiB, many times what is taken, even of what comes in one piece with a request's beginning."""

LINE = b"POST /v1/completions HTTP/1.1\r\nhost: x\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
CHUNKED = LINE + b"transfer-encoding: chunked\r\n\r\n"


@contextlib.asynccontextmanager
async def connected(
    node: Running,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    at = urlsplit(node.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("begins", "part"),
    [
        (LINE + b"x-long: ", b"a" * PART),
        (LINE, b"x-many: " + b"a" * (PART - 10) + b"\r\n"),
        (b"POST /v1/completions?", b"a" * PART),
        (CHUNKED + b"1\r\n{\r\n0\r\nx-trailer: ", b"a" * PART),
        (CHUNKED + b"1;", b"a" * PART),
    ],
    ids=["header", "headers", "path", "trailer", "chunk extension"],
)
async def test_a_head_without_end_is_refused(fronting: Running, begins: bytes, part: bytes) -> None:
    async with connected(fronting) as (reader, writer):
        answer = asyncio.ensure_future(reader.read())
        count = 0
        with contextlib.suppress(ConnectionError):
            writer.write(begins)
            while count < PARTS_MAX and not answer.done():
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)  # the node runs in this loop, too
                count += 1
        assert count < PARTS_MAX, "the node goes on reading"
        with contextlib.suppress(ConnectionError):
            assert (await answer or b"HTTP/1.1 431 ").startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_is_too_large_is_told_so(fronting: Running) -> None:
    async with connected(fronting) as (reader, writer):
        writer.write(LINE)
        async with connected(fronting) as (other, asking):
            asking.write(HEALTH + b"\r\n")
            await other.read()  # what was sent on the first one before has been read by now
        writer.write(b"x-long: " + b"a" * HEAD_BYTES_MAX)
        assert (await reader.read()).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


async def test_a_long_head_within_bounds_is_read(fronting: Running) -> None:
    async with connected(fronting) as (reader, writer):
        # A peer's grant and greeting are 16 KiB each at most.
        for piece in (HEALTH, b"x-long: ", b"a" * PART, b"b" * PART, b"\r\n\r\n"):
            writer.write(piece)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", [BODY_BYTES_MAX + 1, 10**18])
async def test_a_body_announced_as_too_large_is_refused_before_it_comes(
    fronting: Running, length: int
) -> None:
    async with connected(fronting) as (reader, writer):
        key = f"authorization: Bearer {fronting.key}\r\n".encode()
        writer.write(LINE + key + b"content-length: %d\r\n\r\n{" % length)
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
