"""HTTP/1.1 to one engine: kept connections, answers read as they arrive, given up at once.

A request through a general client costs several times what it costs here (docs/log.md); on a
gateway that is most of what it adds. Decision: docs/decisions/0011-own-http-client.md.
"""

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httptools

from hansa.core.errors import ConfigError, EngineError, EngineUnavailable

CONNECT_TIMEOUT_S = 2.0
STALL_TIMEOUT_S = 60.0
"""A connection on which nothing arrives for so long, while something is awaited, is given up."""

IDLE_CONNECTIONS_MAX = 256
DRAIN_TIMEOUT_S = 0.25
"""How long the end of an answer that was read is waited for, so that its connection is kept."""

BUFFER_BYTES_MAX = 256 * 1024
"""Unread bytes after which the engine is made to wait."""

HEADER_BYTES_MAX = 64 * 1024

Headers = Sequence[tuple[str, str]]


def _nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an engine listens: the parts of its base address."""

    host: str
    port: int
    tls: bool
    base: str
    """Path before every request's, without a slash at its end."""

    @classmethod
    def parse(cls, url: str) -> "Origin":
        """Read `http(s)://HOST[:PORT][/BASE]`. Raises ConfigError."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise ConfigError(f"{url!r} is no address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is no address", hint="like http://127.0.0.1:8000/v1")
        if parts.query or parts.fragment or parts.username:
            raise ConfigError(f"{url!r} has more than host, port and path")
        return cls(parts.hostname, port, parts.scheme == "https", parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = self.port == (443 if self.tls else 80)
        return host if standard else f"{host}:{self.port}"


class HttpClient:
    """Connections to one origin; not bound to a loop until the first request."""

    def __init__(
        self, url: str, headers: Headers = (), *, stall_s: float = STALL_TIMEOUT_S
    ) -> None:
        """`headers` go with every request."""
        self.origin = Origin.parse(url)
        self.stall_s = stall_s
        self.on_trouble: Callable[[], None] = _nothing
        """Called when no connection comes about, or one breaks during an exchange."""
        self._common = _head_lines([("host", self.origin.authority), *headers])
        self._tls = ssl.create_default_context() if self.origin.tls else None
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()

    async def send(
        self, method: str, path: str, body: bytes = b"", headers: Headers = ()
    ) -> "HttpReply":
        """Send one request; returns once the status is here. `path` is all of it, base included.

        Raises:
            EngineUnavailable: no connection, or it broke before an answer began.
            EngineError: what answered is not HTTP.
        """
        head = f"{method} {path} HTTP/1.1\r\n".encode() + self._common
        if headers:
            head += _head_lines(headers)
        data = b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        kept = self._take_idle()
        if kept is not None:
            reply = await kept.exchange(data)
            if reply is not None:
                return reply
            # It had been closed while idle, before anything was answered: once more, afresh.
        connection = await self._connect()
        reply = await connection.exchange(data)
        if reply is None:
            raise EngineUnavailable(f"{self.origin.authority} closed without an answer")
        return reply

    async def reach(self) -> None:
        """Open a connection, with TLS where that is spoken, and close it: nothing is asked.

        Raises:
            EngineUnavailable: none came about.
        """
        (await self._connect()).abort()

    async def close(self) -> None:
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    def keep(self, connection: "_Connection") -> None:
        """Called by a connection whose exchange is over."""
        if len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.abort()

    def lost(self, connection: "_Connection") -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _take_idle(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if not connection.closing:
                return connection
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        origin = self.origin
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self),
                    origin.host,
                    origin.port,
                    ssl=self._tls,
                )
        except (OSError, TimeoutError) as error:
            self.on_trouble()
            why = f"{origin.authority} cannot be reached: {_why(error)}"
            raise EngineUnavailable(why) from error
        self._open.add(connection)
        return connection


class HttpReply:
    """An answer that has begun. Read it to its end or `abort` it; `finish` keeps the connection."""

    __slots__ = ("_connection", "headers", "status")

    def __init__(self, connection: "_Connection", status: int, headers: dict[str, str]) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        """Names in lower case."""

    async def some(self) -> bytes:
        """What has arrived, at least one byte; empty at the end.

        Raises:
            EngineError: the connection broke, or stalled.
        """
        return await self._connection.some()

    async def whole(self, limit: int) -> bytes:
        """The rest, at most `limit` bytes of it. Raises EngineError for more."""
        data = bytearray()
        while block := await self.some():
            data += block
            if len(data) > limit:
                self.abort()
                raise EngineError(f"an answer of over {limit} bytes arrived")
        self.finish()
        return bytes(data)

    def finish(self) -> None:
        """All that matters was read."""
        self._connection.finish()

    def abort(self) -> None:
        """Give up: the engine sees the connection close."""
        self._connection.abort()


class _Transport(Protocol):
    """What is used of asyncio's and uvloop's transports."""

    def write(self, data: bytes) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_closing(self) -> bool: ...


class _Connection(asyncio.Protocol):
    """One connection; carries one exchange at a time."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._transport: _Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._reset()

    @property
    def closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    async def exchange(self, data: bytes) -> HttpReply | None:
        """Send a request and wait for the answer's head; None if the peer closed before it."""
        assert self._transport
        self._reset()
        self._busy = True
        self._transport.write(data)
        try:
            while not self._begun and not self._broken:
                await self._wait()
        except BaseException:  # cancelled too: an exchange half done cannot be kept
            self.abort()
            raise
        if self._begun:
            return HttpReply(self, self._status, self._headers)
        where = self._client.origin.authority
        if self._seen:
            raise EngineError(f"{where} does not speak HTTP: {self._why}")
        if self._given_up:
            raise EngineUnavailable(f"{where} does not answer: {self._why}")
        return None

    async def some(self) -> bytes:
        while not self._blocks:
            if self._complete:
                return b""
            if self._broken:
                raise EngineError(f"{self._client.origin.authority} broke off: {self._why}")
            try:
                await self._wait()
            except BaseException:  # cancelled too: a body half read cannot be kept
                self.abort()
                raise
        data = self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
        self._blocks.clear()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        self._held = 0
        return data

    def finish(self) -> None:
        if self._complete:
            self._release()
        elif not self.closing:
            self._drained = asyncio.get_running_loop().call_later(DRAIN_TIMEOUT_S, self.abort)
            if self._paused and self._transport is not None:
                self._paused = False
                self._transport.resume_reading()

    def abort(self) -> None:
        self._busy = False
        if self._drained is not None:
            self._drained.cancel()
            self._drained = None
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("_Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._busy:
            self.abort()  # Nothing was asked: whatever this is, it is not ours.
            return
        self._seen = True
        if not self._begun:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES_MAX + len(data):
                self._break(f"a head of over {HEADER_BYTES_MAX} bytes")
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(str(error) or type(error).__name__)
            return
        if self._held > BUFFER_BYTES_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._busy and not self._complete and not self._broken:
            # An answer without a length ends with its connection.
            if self._begun and self._until_close and exc is None:
                self._complete = True
            else:
                self._broken = True
                self._why = str(exc) if exc else "it closed the connection"
                self._client.on_trouble()
        self._transport = None
        self._client.lost(self)
        self._wake()

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
            return
        self._status = status
        self._begun = True
        # Asked here, because the parser forgets it with the message's end.
        self._kept = self._parser.should_keep_alive()
        self._until_close = not (
            "content-length" in self._headers or "transfer-encoding" in self._headers
        )

    def on_body(self, body: bytes) -> None:
        if self._drained is None:
            self._blocks.append(body)
            self._held += len(body)

    def on_message_complete(self) -> None:
        if not self._begun:
            return  # Of a "100 Continue".
        self._complete = True
        if self._drained is not None:
            self._release()

    def _release(self) -> None:
        if self._drained is not None:
            self._drained.cancel()
            self._drained = None
        if not self._busy:
            return
        self._busy = False
        if self._kept and not self.closing and not self._broken:
            self._client.keep(self)
        else:
            self.abort()

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._status = 0
        self._head_bytes = self._held = 0
        self._blocks: list[bytes] = []
        self._busy = self._seen = self._begun = self._complete = False
        self._broken = self._paused = self._until_close = False
        self._kept = self._given_up = False
        self._why = ""
        self._drained: asyncio.TimerHandle | None = None

    def _break(self, why: str) -> None:
        self._broken, self._why = True, why
        self._client.on_trouble()
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        stall = loop.call_later(self._client.stall_s, self._stalled)
        try:
            await self._waiter
        finally:
            stall.cancel()
            self._waiter = None

    def _stalled(self) -> None:
        self._given_up = True
        self._break(f"nothing arrived for {self._client.stall_s:g} s")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _why(error: OSError) -> str:
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)  # asyncio's own words are about the address
    return error.strerror or str(error) or "no answer in time"


def _head_lines(headers: Headers) -> bytes:
    for name, value in headers:
        if any(each in f"{name}{value}" for each in "\r\n\0"):
            raise ConfigError(f"the header {name!r} holds a line break")
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
