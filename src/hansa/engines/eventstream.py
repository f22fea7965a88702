"""AWS's binary event stream: a decoder that takes bytes split anywhere.

A message is its length, the length of its headers and a CRC of the two; headers; payload; and a CRC
of all that came before. Numbers are big-endian.

Source: Smithy 2.0, "Amazon Event Stream Specification".
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hansa.core.bounds import SSE_EVENT_BYTES_MAX
from hansa.core.errors import EngineError

PRELUDE_BYTES = 12
FRAME_BYTES_MIN = PRELUDE_BYTES + 4

_STRING: Final = 7
_WIDTHS = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Type of a header to the bytes of its value; bytes (6) and strings have a length before them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    headers: dict[str, str]
    """Those whose value is a string."""
    payload: bytes


class Decoder:
    """Feed it bytes, take the messages they complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take in `data`; iterate over what it completes before the next call.

        Raises (while iterating, after the messages before the fault):
            EngineError: a message over `SSE_EVENT_BYTES_MAX`, a wrong CRC, or no message at all.
        """
        self._buffer += data
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while len(self._buffer) >= PRELUDE_BYTES:
            size, headers_size, crc = struct.unpack_from(">III", self._buffer)
            if zlib.crc32(self._buffer[:8]) != crc:
                raise EngineError("an event stream with a wrong prelude arrived")
            if size > SSE_EVENT_BYTES_MAX:
                raise EngineError(f"an event of over {SSE_EVENT_BYTES_MAX} bytes arrived")
            if size < FRAME_BYTES_MIN + headers_size:
                raise EngineError("an event whose lengths do not add up arrived")
            if len(self._buffer) < size:
                return
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:], "big"):
                raise EngineError("an event with a wrong checksum arrived")
            start = PRELUDE_BYTES + headers_size
            yield Frame(_headers(frame[PRELUDE_BYTES:start]), frame[start:-4])


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            name, kind = data[at + 1 : name_end].decode(), data[name_end]
            at, width = name_end + 1, _WIDTHS.get(kind)
            if width is None:
                if kind not in (6, _STRING):
                    raise EngineError(f"an event with a header of the unknown type {kind} arrived")
                (width,) = struct.unpack_from(">H", data, at)
                at += 2
            if at + width > len(data):
                raise EngineError("an event with a header cut short arrived")
            if kind == _STRING:
                found[name] = data[at : at + width].decode()
            at += width
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise EngineError(f"an event with headers that are none arrived: {error}") from error
    return found
