"""AWS's binary event stream: as published, split anywhere, and broken."""

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.bounds import SSE_EVENT_BYTES_MAX
from hansa.core.errors import EngineError
from hansa.engines.eventstream import Decoder, Frame
from support.eventstream import frame, header, sealed

EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
NO_HEADERS = bytes.fromhex("0000001d00000000fd528c5a") + b"{'foo':'bar'}\xc3\x65\x39\x36"
ONE_HEADER = (
    bytes.fromhex("0000003d0000002007fd8396")
    + b"\x0ccontent-type\x07\x00\x10application/json"
    + b"{'foo':'bar'}\x8d\x9c\x08\xb1"
)
"""Source: the test vectors that AWS's SDKs share for the event stream encoding."""

OTHERS = (
    b"\x01a\x00\x01b\x01\x01c\x02\x05\x01d\x03\x00\x01\x01e\x04\x00\x00\x00\x01"
    b"\x01f\x05" + bytes(8) + b"\x01g\x08" + bytes(8) + b"\x01h\x09" + bytes(16)
)
"""A header of each type but bytes and string."""


def decoded(data: bytes) -> list[Frame]:
    return list(Decoder().feed(data))


def test_published_messages() -> None:
    payload = b"{'foo':'bar'}"
    assert decoded(EMPTY + NO_HEADERS + ONE_HEADER) == [
        Frame({}, b""),
        Frame({}, payload),
        Frame({"content-type": "application/json"}, payload),
    ]


def test_headers_of_every_type_are_passed_over() -> None:
    head = OTHERS + header("bytes", b"\xff\x00", 6) + header(":event-type", b"x")
    assert decoded(sealed(head, b"p")) == [Frame({":event-type": "x"}, b"p")]


FRAMES = st.lists(st.tuples(st.binary(max_size=40), st.text(max_size=9)), max_size=4)


@given(FRAMES, st.lists(st.integers(0, 300), max_size=8))
def test_split_anywhere_it_is_the_same(parts: list[tuple[bytes, str]], cuts: list[int]) -> None:
    data = b"".join(frame(payload, event_type=name) for payload, name in parts)
    decoder, found, start = Decoder(), list[Frame](), 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        found += decoder.feed(data[start:cut])
        start = cut
    assert found == [Frame({":event-type": name}, payload) for payload, name in parts]


def test_split_at_every_byte() -> None:
    data = ONE_HEADER + NO_HEADERS
    decoder = Decoder()
    found = [each for n in range(len(data)) for each in decoder.feed(data[n : n + 1])]
    assert found == decoded(data)
    assert len(found) == 2


@given(st.integers(0, len(ONE_HEADER) - 1), st.integers(1, 255))
def test_no_wrong_byte_goes_unseen(at: int, change: int) -> None:
    broken = bytearray(ONE_HEADER)
    broken[at] ^= change
    with pytest.raises(EngineError, match="wrong"):
        decoded(bytes(broken))


@given(st.binary(max_size=60))
def test_whatever_the_headers_are_nothing_else_is_raised(head: bytes) -> None:
    with contextlib.suppress(EngineError):
        assert decoded(sealed(head, b"p"))[0].payload == b"p"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n", "prelude"),
        (struct.pack(">II", SSE_EVENT_BYTES_MAX + 1, 0), "over 1048576"),
        (struct.pack(">II", 15, 0), "add up"),
        (struct.pack(">II", 20, 5), "add up"),
        (struct.pack(">II", 20, 0xFFFFFFFF), "add up"),
        (sealed(b"\x01a\x0a", b""), "unknown type 10"),
        (sealed(b"\x01a\x05\x00", b""), "cut short"),
        (sealed(b"\x01a\x07\x00\x09x", b""), "cut short"),
        (sealed(b"\x01a\x07\x00", b""), "are none"),
        (sealed(b"\x09a", b""), "are none"),
        (sealed(header("a", b"\xff"), b""), "are none"),
    ],
)
def test_what_is_no_message(data: bytes, said: str) -> None:
    if len(data) == 8:
        data += zlib.crc32(data).to_bytes(4, "big")
    with pytest.raises(EngineError, match=said):
        decoded(data)


def test_what_came_before_a_fault_is_handed_on() -> None:
    frames = Decoder().feed(NO_HEADERS + b"x" * 12)
    assert next(frames).payload == b"{'foo':'bar'}"
    with pytest.raises(EngineError):
        next(frames)
