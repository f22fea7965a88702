"""Writes AWS's binary event stream, which Hansa itself only reads."""

import struct
import zlib
from typing import Any

import msgspec


def frame(payload: bytes, **headers: str) -> bytes:
    """One message; `message_type` becomes the header `:message-type`."""
    head = b"".join(
        header(":" + name.replace("_", "-"), value.encode()) for name, value in headers.items()
    )
    return sealed(head, payload)


def header(name: str, value: bytes, kind: int = 7) -> bytes:
    """A header whose value has its length before it (6: bytes, 7: string)."""
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", kind, len(value)) + value


def sealed(head: bytes, payload: bytes) -> bytes:
    """A message of headers that are written already."""
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    said = prelude + zlib.crc32(prelude).to_bytes(4, "big") + head + payload
    return said + zlib.crc32(said).to_bytes(4, "big")


def event(kind: str, **fields: Any) -> bytes:
    """One event of a JSON API."""
    return frame(
        msgspec.json.encode(fields),
        event_type=kind,
        content_type="application/json",
        message_type="event",
    )
