"""Server-sent events: one encoder, one decoder that takes bytes split anywhere.

Source: WHATWG HTML, section 9.2 "Server-sent events".
"""

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from hansa.core.bounds import SSE_EVENT_BYTES_MAX
from hansa.core.errors import EngineError


class Event(msgspec.Struct, frozen=True):
    data: bytes
    """UTF-8, not yet checked."""
    name: str = "message"


def encode_event(data: bytes, name: str = "") -> bytes:
    """One event; `data` must hold no newline (JSON never does)."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + data + b"\n\n"


class Decoder:
    """Feed it bytes, take the events they complete. Lines may end in LF, CRLF or CR."""

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []
        self._name = "message"
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`.

        Raises:
            EngineError: an event larger than `SSE_EVENT_BYTES_MAX`, or a field that is not UTF-8.
        """
        if not (self._buffer or self._size) and (plain := _plain_events(data)) is not None:
            return plain
        self._buffer = self._buffer + data if self._buffer else data
        if b"\r" in self._buffer:
            # A CR at the very end may be half of a CRLF; wait for what follows.
            held = b"\r" if self._buffer.endswith(b"\r") else b""
            text = self._buffer[: len(self._buffer) - len(held)]
            lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        else:
            held = b""
            lines = self._buffer.split(b"\n")
        self._buffer = lines.pop() + held
        events = [event for line in lines if (event := self._take(line)) is not None]
        self._check_size(len(self._buffer))
        return events

    def _take(self, line: bytes) -> Event | None:
        if not line:
            return self._finish()
        self._size += len(line)
        self._check_size()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = _decode(value)
        return None

    def _check_size(self, more: int = 0) -> None:
        if self._size + more > SSE_EVENT_BYTES_MAX:
            raise EngineError(f"an event of over {SSE_EVENT_BYTES_MAX} bytes arrived")

    def _finish(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._name) if self._data else None
        if event is not None:
            self._data = []
        self._name, self._size = "message", 0
        return event


def _plain_events(data: bytes) -> list[Event] | None:
    """The events of `data` if each is one line of data, as nearly all are; else None."""
    if not data.endswith(b"\n\n") or b"\r" in data or len(data) > SSE_EVENT_BYTES_MAX:
        return None
    events: list[Event] = []
    for each in data[:-2].split(b"\n\n"):
        if not each.startswith(b"data: ") or b"\n" in each:
            return None
        events.append(Event(each[6:]))
    return events


async def decode_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event]:
    """Decode a body as it arrives."""
    decoder = Decoder()
    async for data in chunks:
        for event in decoder.feed(data):
            yield event


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise EngineError("an event stream that is not UTF-8 arrived") from error
