"""Another member's node: its replicas as engines, and the other messages of the protocol."""

import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from typing import Any

import aiohttp
import msgspec

from hansa.core.bounds import PEER_TIMEOUT_S, REQUEST_DEADLINE_S
from hansa.core.errors import (
    DeadlineUnmet,
    EngineUnavailable,
    HansaError,
    PeerError,
    PeerUnavailable,
    PolicyRefusal,
)
from hansa.engines.base import EngineState
from hansa.observe import traces
from hansa.wire.features import Feature
from hansa.wire.protocol import GRANT_HEADER, HELLO_HEADER
from hansa.wire.requests import Chunk, Request
from hansa.wire.sse import Event, decode_events

REPLY_BYTES_MAX = 64 * 1024 * 1024
"""Of a reply that is not a stream; an export of a month's receipts is the largest."""

EXPORT_TIMEOUT_S = 60.0

_decode = msgspec.json.Decoder(Chunk).decode


class PeerClient:
    """Speaks to one member's node."""

    def __init__(self, member: str, url: str, http: aiohttp.ClientSession) -> None:
        self.member = member
        self._url = url
        self._http = http

    async def answer(self, body: bytes, grant: str) -> AsyncGenerator[Chunk]:
        """Send one granted request; yields what the peer generates, its receipt last.

        Raises:
            PeerUnavailable: its node cannot be reached; nothing was generated.
            EngineUnavailable: its node has no replica or no room for this one now.
            PeerError, PolicyRefusal: it refused, or broke off.
        """
        started = False
        timeout = aiohttp.ClientTimeout(total=REQUEST_DEADLINE_S, sock_connect=PEER_TIMEOUT_S)
        try:
            async with self._http.post(
                f"{self._url}/hansa/v1/peer/answer",
                data=body,
                headers=[
                    (GRANT_HEADER, grant),
                    ("content-type", "application/json"),
                    *traces.passed_on(),
                ],
                timeout=timeout,
            ) as reply:
                if reply.status != 200:
                    raise self._error(await _bounded(reply))
                events = decode_events(reply.content.iter_any())
                async with contextlib.aclosing(events):
                    async for event in events:
                        started = True
                        yield self._chunk(event)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._broken(error, started=started) from error

    async def get(self, path: str, hello: str, *, timeout_s: float = PEER_TIMEOUT_S) -> bytes:
        """Ask for `/hansa/v1/peer/PATH`."""
        return await self._call("GET", path, b"", hello, timeout_s)

    async def post(self, path: str, body: bytes, hello: str) -> bytes:
        """Send `body` to `/hansa/v1/peer/PATH`."""
        return await self._call("POST", path, body, hello, PEER_TIMEOUT_S * 5)

    async def _call(
        self, method: str, path: str, body: bytes, hello: str, timeout_s: float
    ) -> bytes:
        try:
            async with self._http.request(
                method,
                f"{self._url}/hansa/v1/peer/{path}",
                data=body or None,
                headers={HELLO_HEADER: hello, "content-type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as reply:
                data = await _bounded(reply)
                if reply.status != 200:
                    raise self._error(data)
                return data
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._broken(error, started=False) from error

    def _chunk(self, event: Event) -> Chunk:
        if event.name == "error":
            raise self._error(event.data)
        try:
            return _decode(event.data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PeerError(f"{self.member} sent a chunk that is none: {error}") from error

    def _error(self, body: bytes) -> HansaError:
        """The peer's own error, as ours."""
        try:
            said: dict[str, Any] = msgspec.json.decode(body)
            said = said.get("error", said)
            message = f"{self.member}: {said['message']}"
        except (msgspec.DecodeError, RecursionError, AttributeError, KeyError, TypeError):
            return PeerError(f"{self.member} answered with something else than Hansa does")
        hint = str(said.get("hint", ""))
        if said.get("rule"):
            return PolicyRefusal(message, rule=str(said["rule"]), hint=hint)
        if said.get("code") == DeadlineUnmet.code:
            return DeadlineUnmet(message, hint=hint)
        # Its node answers, so only this replica of it is out of reach.
        kind = EngineUnavailable if said.get("retryable") else PeerError
        return kind(message, hint=hint)

    def _broken(self, error: BaseException, *, started: bool) -> PeerError:
        reason = str(error) or type(error).__name__
        if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
            reason = os.strerror(error.os_error.errno)
        if started:
            return PeerError(f"{self.member}'s node broke off: {reason}")
        return PeerUnavailable(f"{self.member}'s node cannot be reached at {self._url}: {reason}")


class Peer:
    """All replicas of one member as an engine; the request names the one it is meant for."""

    def __init__(self, client: PeerClient, grant_for: Callable[[Request, bytes], str]) -> None:
        """`grant_for` signs the grant for a request and its exact body."""
        self._client = client
        self._grant_for = grant_for

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        body = msgspec.json.encode(request)
        finished = False
        chunks = self._client.answer(body, self._grant_for(request, body))
        async with contextlib.aclosing(chunks):
            # Reading on to the end, past the last chunk, lets the connection be used again.
            async for chunk in chunks:
                finished = chunk.finish is not None
                yield chunk
        if not finished:
            raise PeerError(f"{self._client.member}'s node ended its answer without a last chunk")

    @property
    def features(self) -> frozenset[Feature]:
        """Its replicas' features come with its status, not from here."""
        return frozenset()

    def state(self) -> EngineState:
        """Its replicas' states come with its status, not from here."""
        return "ready"

    def problem(self) -> str:
        return ""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for block in reply.content.iter_any():
        data += block
        if len(data) > REPLY_BYTES_MAX:
            raise PeerError(f"a reply of over {REPLY_BYTES_MAX} bytes arrived")
    return bytes(data)
