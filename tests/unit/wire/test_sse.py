"""Server-sent events, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.bounds import SSE_EVENT_BYTES_MAX
from hansa.core.errors import EngineError
from hansa.wire.sse import Decoder, Event, decode_events, encode_event

LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)))
NAMES = st.sampled_from(["message", "error", "receipt"])


@given(
    events=st.lists(st.builds(Event, LINES.map(str.encode), NAMES), max_size=8),
    data=st.data(),
)
def test_what_was_encoded_is_decoded_wherever_it_is_cut(events: list[Event], data: st.DataObject):
    body = b"".join(encode_event(each.data, each.name) for each in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20)))
    decoder = Decoder()
    found = [
        event
        for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)
        for event in decoder.feed(body[start:end])
    ]
    assert found == events


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_any_way(newline: bytes):
    body = newline.join([b"event: error", b"data: a", b"data:b", b"", b"data: c", b"", b""])
    for size in (1, 2, 3, len(body)):
        decoder = Decoder()
        found = [
            event
            for start in range(0, len(body), size)
            for event in decoder.feed(body[start : start + size])
        ]
        found += decoder.feed(b": the CR at the end was a whole line\n")
        assert found == [Event(b"a\nb", "error"), Event(b"c")]


def test_comments_unknown_fields_and_empty_events_are_passed_over():
    body = b": ping\n\nid: 7\nretry: 10\ndata\n\nnonsense\n\ndata:  x\n\n"
    assert Decoder().feed(body) == [Event(b""), Event(b" x")]


def test_an_event_that_is_not_ended_is_not_given():
    assert Decoder().feed(b"data: half\n") == []


def test_an_event_too_large_is_an_error_in_one_line_or_many():
    with pytest.raises(EngineError, match="an event of over"):
        Decoder().feed(b"data: " + b"x" * SSE_EVENT_BYTES_MAX)
    decoder, line = Decoder(), b"data: " + b"x" * 1000 + b"\n"
    for _ in range(SSE_EVENT_BYTES_MAX // (len(line) - 1)):
        assert decoder.feed(line) == []
    with pytest.raises(EngineError, match="an event of over"):
        decoder.feed(line)


def test_many_small_events_at_once_are_no_large_one():
    body = encode_event(b"x" * 1000) * 2000
    assert len(Decoder().feed(body)) == 2000


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(EngineError, match="not UTF-8"):
        Decoder().feed(b"event: \xff\n\n")


async def test_a_body_is_decoded_as_it_arrives():
    async def body():
        yield b"data: 1\n\nda"
        yield b"ta: 2\n\n"

    assert [event.data async for event in decode_events(body())] == [b"1", b"2"]
