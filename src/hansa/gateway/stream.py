"""From an `Answer` to bytes for a client, who may be slow or leave at any moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from hansa.answer.answer import Answer
from hansa.core.bounds import REQUEST_DEADLINE_S
from hansa.core.deadline import Deadline
from hansa.core.errors import EngineError, EngineUnavailable, HansaError
from hansa.gateway.call import GONE, Call, header_lines
from hansa.wire.native import (
    MODEL_HEADER,
    REQUEST_ID_HEADER,
    ROUTE_HEADER,
    ROUTE_REASON_HEADER,
    SDK_ID_HEADERS,
)
from hansa.wire.requests import Chunk
from hansa.wire.sse import encode_event

LAST_WORD_S = 1.0
"""How long a client that reads nothing keeps a stream that has failed."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one dialect writes a stream; each function returns whole events."""

    chunk: Callable[[Chunk], bytes]
    error: Callable[[HansaError], bytes]
    opening: bytes = b""
    closing: bytes = b""


@dataclass(frozen=True, slots=True)
class EventStream:
    """Sends an answer as server-sent events; gives it up when the client leaves."""

    answer: Answer
    encoding: Encoding
    headers: dict[str, str]

    async def send(self, call: Call) -> None:
        try:
            with Deadline(REQUEST_DEADLINE_S):
                await self._send(call)
        except HansaError as error:
            await self._fail(call, error)
        except TimeoutError:
            await self._fail(call, _late())
        except asyncio.CancelledError:
            gone = call.scope.get(GONE)
            if gone is None or not gone.left:
                await self._fail(call, _stopped())
            raise
        finally:
            await self.answer.aclose()

    async def _fail(self, call: Call, error: HansaError) -> None:
        """End the stream with an error; a client that does not even read that is cut off."""
        call.failed = True
        try:
            # Not `Deadline`: this task may be one that was cancelled.
            async with asyncio.timeout(LAST_WORD_S):
                await _body(call, self.encoding.error(error), more=False)
        except TimeoutError:
            if (gone := call.scope.get(GONE)) is not None:
                gone.cut()

    async def _send(self, call: Call) -> None:
        lines = [(b"content-type", b"text/event-stream; charset=utf-8")]
        lines += header_lines(self.headers)
        await call.send({"type": "http.response.start", "status": 200, "headers": lines})
        waiting = self.encoding.opening
        async for chunk in self.answer.chunks:
            # The opening goes with the first chunk, the closing with the last: fewer writes.
            waiting += self.encoding.chunk(chunk)
            if not chunk.finish and waiting:
                await _body(call, waiting)
                waiting = b""
        await _body(call, waiting + self.encoding.closing, more=False)


async def read_whole(answer: Answer) -> list[Chunk]:
    """Read an answer to its end; the last chunk is the one that finishes.

    Raises:
        EngineError: it took longer than any request may.
    """
    try:
        with Deadline(REQUEST_DEADLINE_S):
            return [chunk async for chunk in answer.chunks]
    except TimeoutError:
        raise _late() from None
    finally:
        await answer.aclose()


def request_ids(request: str) -> dict[str, str]:
    """A request's id under every name that a client may look for."""
    said = _plain(request)
    return {REQUEST_ID_HEADER: said, **dict.fromkeys(SDK_ID_HEADERS, said)}


def route_headers(answer: Answer) -> dict[str, str]:
    """Which replica answers, and why, for clients that want to know."""
    return {
        **request_ids(answer.request),
        ROUTE_HEADER: _plain(answer.route),
        ROUTE_REASON_HEADER: _plain(answer.reason),
        MODEL_HEADER: answer.model,
        "cache-control": "no-store",
        **answer.headers,
    }


def events(name: str = "") -> Callable[[object], bytes]:
    """An encoder of JSON events."""
    return lambda value: encode_event(msgspec.json.encode(value), name)


def _plain(text: str) -> str:
    """What a header may hold: printable ASCII, whatever a peer wrote."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def _stopped() -> EngineUnavailable:
    return EngineUnavailable("this node is being stopped", hint="try again; another may serve")


def _late() -> EngineError:
    return EngineError(f"the answer took over {REQUEST_DEADLINE_S:g} s and was given up")


async def _body(call: Call, body: bytes, *, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
