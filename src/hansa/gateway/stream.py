"""From an `Answer` to bytes for a client, who may be slow or leave at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hansa.answer.answer import Answer, Answering
from hansa.answer.closing import Granted
from hansa.core.bounds import REQUEST_DEADLINE_S
from hansa.core.errors import EngineError, HansaError
from hansa.wire.native import REQUEST_ID_HEADER, ROUTE_HEADER, ROUTE_REASON_HEADER
from hansa.wire.requests import Chunk
from hansa.wire.requests import Request as Asked
from hansa.wire.sse import encode_event

Result = TypeVar("Result")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one dialect writes a stream; each function returns whole events."""

    chunk: Callable[[Chunk], bytes]
    error: Callable[[HansaError], bytes]
    opening: bytes = b""
    closing: bytes = b""


class EventStream(Response):
    """Sends an answer as server-sent events; gives it up when the client leaves."""

    def __init__(self, answer: Answer, encoding: Encoding) -> None:
        super().__init__(headers=route_headers(answer), media_type="text/event-stream")
        self._answer = answer
        self._encoding = encoding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await unless_gone(receive, self._send(send))
        except (ClientDisconnect, OSError):
            _log.info("client_left", request=self._answer.request)
        finally:
            await self._answer.aclose()

    async def _send(self, send: Send) -> None:
        headers = [each for each in self.raw_headers if each[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self._encoding.opening:
            await _body(send, self._encoding.opening)
        try:
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                async for chunk in self._answer.chunks:
                    await _body(send, self._encoding.chunk(chunk))
            await _body(send, self._encoding.closing, more=False)
        except HansaError as error:
            await _body(send, self._encoding.error(error), more=False)
        except TimeoutError:
            late = EngineError(f"the answer took over {REQUEST_DEADLINE_S:g} s and was given up")
            await _body(send, self._encoding.error(late), more=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer read to its end."""

    text: str
    last: Chunk


async def begin(
    request: Request, answering: Answering, asked: Asked, granted: Granted | None = None
) -> Answer:
    """Have `asked` answered, unless the client leaves before its first token.

    Raises:
        ClientDisconnect: it left; no replica works for it any more.
    """
    return await unless_gone(request.receive, answering.answer(asked, granted))


async def gather(request: Request, answer: Answer) -> Whole:
    """Read an answer to its end.

    Raises:
        ClientDisconnect: the client left; the answer was given up.
        EngineError: it took longer than any request may.
    """

    async def read() -> Whole:
        texts: list[str] = []
        last = Chunk()
        async for chunk in answer.chunks:
            texts.append(chunk.text)
            last = chunk
        return Whole("".join(texts), last)

    try:
        async with asyncio.timeout(REQUEST_DEADLINE_S):
            return await unless_gone(request.receive, read())
    except TimeoutError:
        raise EngineError(
            f"the answer took over {REQUEST_DEADLINE_S:g} s and was given up"
        ) from None
    finally:
        await answer.aclose()


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` unless the client leaves first, which raises ClientDisconnect."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


def route_headers(answer: Answer) -> dict[str, str]:
    """Which replica answers, and why, for clients that want to know."""
    return {
        REQUEST_ID_HEADER: _plain(answer.request),
        ROUTE_HEADER: _plain(answer.route),
        ROUTE_REASON_HEADER: _plain(answer.reason),
        "cache-control": "no-store",
    }


def _plain(text: str) -> str:
    """What a header may hold: printable ASCII, whatever a peer wrote."""
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def events(name: str = "") -> Callable[[object], bytes]:
    """An encoder of JSON events."""
    return lambda value: encode_event(msgspec.json.encode(value), name)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(send: Callable[[Any], Awaitable[None]], body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
