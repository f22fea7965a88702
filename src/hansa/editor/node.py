"""Asks a node over HTTP. Tests and other doors may answer in process instead, as `Answers`."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import msgspec

from hansa.core.bounds import BODY_BYTES_MAX, REQUEST_DEADLINE_S
from hansa.core.errors import EngineError, EngineUnavailable
from hansa.editor.connection import Connection
from hansa.editor.failures import as_error
from hansa.wire.native import REQUEST_ID_HEADER, ROUTE_HEADER, ROUTE_REASON_HEADER, ErrorBody
from hansa.wire.requests import Chunk, Request
from hansa.wire.sse import decode_events

if TYPE_CHECKING:
    import aiohttp

_T = TypeVar("_T")

ANSWER_PATH = "/hansa/v1/answer"
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A stream that has begun, and who serves it."""

    request_id: str
    route: str
    """`member/replica`."""
    reason: str
    """Why routing chose it, in one sentence."""
    chunks: AsyncIterator[Chunk]


class Answers(Protocol):
    """Whoever answers requests: a node, or a fake in tests."""

    def answer(self, request: Request) -> AbstractAsyncContextManager[Answer]:
        """Leaving the context stops the work, finished or not."""
        ...


class _Refusal(msgspec.Struct, frozen=True):
    error: ErrorBody


class NodeClient:
    """Speaks to one node; use it as an async context manager."""

    def __init__(self, connection: Connection, *, deadline_s: float = REQUEST_DEADLINE_S) -> None:
        self._connection = connection
        self._deadline_s = deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._deadline_s, connect=CONNECT_TIMEOUT_S)
        key = self._connection.key
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncGenerator[Answer]:
        """Send `request`; the answer begins when the node has chosen who serves it.

        Raises:
            EngineUnavailable: no node answers there, or not in time.
            HansaError: what the node says went wrong, before the answer or in the middle of it.
        """
        assert self._session is not None, "use NodeClient as a context manager"
        url = self._connection.url + ANSWER_PATH
        with _connection_errors(self._connection.url):
            response = await self._session.post(
                url, data=msgspec.json.encode(request), allow_redirects=False
            )
        try:
            if response.status != HTTPStatus.OK:
                raise await self._refusal(response)
            head = response.headers
            async with contextlib.aclosing(self._chunks(response)) as chunks:
                yield Answer(
                    request_id=head.get(REQUEST_ID_HEADER, request.id),
                    route=head.get(ROUTE_HEADER, ""),
                    reason=head.get(ROUTE_REASON_HEADER, ""),
                    chunks=chunks,
                )
        finally:
            response.close()

    async def fetch(self, path: str, kind: type[_T], body: bytes | None = None) -> _T:
        """What the node says at `path`, asked with GET, or with POST where there is a `body`.

        Raises:
            HansaError: as `answer`.
        """
        assert self._session is not None, "use NodeClient as a context manager"
        url = self._connection.url
        method = "GET" if body is None else "POST"
        with _connection_errors(url):
            response = await self._session.request(
                method, url + path, data=body, allow_redirects=False
            )
        try:
            if response.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                raise await self._refusal(response)
            return _decode(await _read(response, url), kind, url)
        finally:
            response.close()

    async def _chunks(self, response: "aiohttp.ClientResponse") -> AsyncGenerator[Chunk]:
        url = self._connection.url
        with _connection_errors(url):
            async for event in decode_events(response.content.iter_any()):
                if event.name == "error":
                    raise as_error(_decode(event.data, ErrorBody, url))
                if event.data == b"[DONE]":
                    continue
                chunk = _decode(event.data, Chunk, url)
                yield chunk
                if chunk.finish:
                    return
        raise EngineError(f"the node at {url} broke off in the middle of its answer")

    async def _refusal(self, response: "aiohttp.ClientResponse") -> Exception:
        url = self._connection.url
        body = await _read(response, url)
        try:
            return as_error(msgspec.json.decode(body, type=_Refusal).error)
        except msgspec.MsgspecError:
            return EngineError(
                f"{url} answered {response.status}, and not as a Hansa node does",
                hint="check the node's address",
            )


@contextlib.contextmanager
def _connection_errors(url: str) -> Generator[None]:
    import aiohttp

    try:
        yield
    except (TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise EngineUnavailable(f"the node at {url} took too long") from error
    except aiohttp.ClientConnectorError as error:
        raise EngineUnavailable(
            f"no node answers at {url}", hint="start one with `hansa up`"
        ) from error
    except aiohttp.ClientError as error:
        raise EngineError(f"the node at {url} broke off in the middle of its answer") from error


async def _read(response: "aiohttp.ClientResponse", url: str) -> bytes:
    body = b""
    with _connection_errors(url):
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise EngineError(f"the node at {url} sent over {BODY_BYTES_MAX:,} bytes")
    return body


def _decode(data: bytes, kind: type[_T], url: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise EngineError(f"the node at {url} sent what no Hansa node sends: {error}") from error
