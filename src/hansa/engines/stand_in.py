"""An engine that speaks OpenAI's API without a model, for tests: its answers and its faults are
known beforehand.

It is a real server on a real socket, so that what a test sees is what a node would see.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Fault = Literal[
    "",
    "refuse",  # answers 503 with Retry-After
    "hang",  # takes the request and never answers
    "break_head",  # closes in the middle of the head
    "break_early",  # closes after the head, before any event
    "break_late",  # closes in the middle of the events
    "garbage",  # an event that is no JSON
    "error_event",  # an error in the middle of the stream
    "endless_line",  # one event that never ends
    "not_http",
]

_HEAD = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class StandIn:
    """Answers every request with `pieces`, each an event of its own, split over writes of
    `write_bytes` bytes (0: all in one)."""

    pieces: tuple[str, ...] = ("Hello", ", ", "world")
    fault: Fault = ""
    write_bytes: int = 0
    pause_s: float = 0.0
    """Between two writes."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    """Put into the delta of the first event, such as tool calls."""
    seen: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Bodies that came in."""
    heads: list[str] = field(default_factory=list[str])
    """What came before each of them."""
    left: int = 0
    """Connections that were closed while an answer was being written."""
    open: int = 0

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[str]:
        """Listen on 127.0.0.1, on a free port unless one is named; yields the base address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _HEAD.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                await self._reply(head.decode(), body, reader, writer)
        writer.close()

    async def _reply(
        self, head: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        path = head.split(" ", 2)[1]
        if path in ("/health", "/api/version"):
            writer.write(_whole(b"{}"))
            return
        self.seen.append(msgspec.json.decode(body))
        self.heads.append(head)
        if path.endswith("/embeddings"):
            writer.write(_whole(_embeddings(self.seen[-1])))
            return
        if await self._fail_first(writer):
            return
        self.open += 1
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await self._stream(path, self.seen[-1], writer, gone)
        finally:
            self.open -= 1
            gone.cancel()
            await asyncio.wait({gone})  # the next request is read by the same reader

    async def _fail_first(self, writer: asyncio.StreamWriter) -> bool:
        """Faults before the first event; whether there was one."""
        if self.fault == "refuse":
            writer.write(_whole(b'{"error":{"message":"full"}}', "503 Busy", "retry-after: 7\r\n"))
        elif self.fault == "hang":
            await asyncio.Event().wait()
        elif self.fault == "break_head":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-")
            writer.close()
        elif self.fault == "not_http":
            writer.write(b"SSH-2.0-OpenSSH\r\n")
            writer.close()
        else:
            return False
        return True

    async def _stream(
        self,
        path: str,
        asked: dict[str, Any],
        writer: asyncio.StreamWriter,
        gone: "asyncio.Future[bytes]",
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                     b"transfer-encoding: chunked\r\n\r\n")  # fmt: skip
        if self.fault == "break_early":
            await writer.drain()
            writer.close()
            return
        events = b"".join(self._events(path, asked))
        size = self.write_bytes or len(events)
        for start in range(0, len(events), size):
            part = events[start : start + size]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
            if self.pause_s:
                await asyncio.wait({gone}, timeout=self.pause_s)
            if gone.done() or writer.is_closing():
                self.left += 1
                raise ConnectionResetError
        if self.fault == "break_late":
            writer.close()
            return
        writer.write(b"0\r\n\r\n")

    def _events(self, path: str, asked: dict[str, Any]) -> list[bytes]:
        chat = path.endswith("/chat/completions")
        limit = asked.get("max_tokens") or asked.get("max_completion_tokens") or len(self.pieces)
        events: list[bytes] = []
        for index in range(asked.get("n", 1)):
            for number, piece in enumerate(self.pieces[:limit]):
                delta = {"content": piece, **(self.extra if number == 0 else {})}
                said: dict[str, Any] = {"delta": delta} if chat else {"text": piece}
                events.append(_event({"choices": [{"index": index, **said}]}))
            ended = "length" if limit < len(self.pieces) else "stop"
            ended = "tool_calls" if "tool_calls" in self.extra else ended
            empty: dict[str, Any] = {"delta": {}} if chat else {"text": ""}
            events.append(_event({"choices": [{"index": index, **empty, "finish_reason": ended}]}))
        count = min(limit, len(self.pieces)) * asked.get("n", 1)
        usage = {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count}
        events.append(_event({"choices": [], "usage": usage}))
        return [*self._broken(events), b"data: [DONE]\n\n"]

    def _broken(self, events: list[bytes]) -> list[bytes]:
        """The events with this stand-in's fault among them."""
        if self.fault == "break_late":
            return events[:1]
        if self.fault == "garbage":
            return [*events[:1], b"data: {nonsense\n\n"]
        if self.fault == "error_event":
            return [*events[:1], _event({"error": {"message": "out of memory"}})]
        if self.fault == "endless_line":
            return [*events[:1], b"data: " + b"x" * (2 * 1024 * 1024)]
        return events


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _whole(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def _embeddings(asked: dict[str, Any]) -> bytes:
    inputs = asked["input"]
    data = [{"index": n, "embedding": [float(n), 0.5]} for n in range(len(inputs))]
    usage = {"prompt_tokens": len(inputs) * 3}
    return msgspec.json.encode({"object": "list", "data": data, "usage": usage})
