"""The engine whose answer is known beforehand."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines.mock import Mock
from hansa.wire.requests import Chunk, Request, Sampling, Usage

REQUEST = Request("r", "complete", prefix="x" * 40)


@pytest.fixture
async def mock() -> AsyncGenerator[Mock]:
    engine = Mock(("a", "b", "c"))
    await engine.start()
    yield engine
    await engine.close()


async def test_one_chunk_and_one_token_a_piece(mock: Mock):
    chunks = [chunk async for chunk in mock.stream(REQUEST)]
    assert "".join(chunk.text for chunk in chunks) == "abc"
    assert chunks[-1] == Chunk(finish="stop", usage=Usage(11, 3))
    assert mock.seen == [REQUEST]


async def test_it_ends_at_max_tokens(mock: Mock):
    request = Request("r", "complete", prefix="x", sampling=Sampling(2))
    chunks = [chunk async for chunk in mock.stream(request)]
    assert chunks[-1] == Chunk(finish="length", usage=Usage(1, 2))


async def test_it_breaks_where_it_is_told(mock: Mock):
    mock.fail_before = True
    with pytest.raises(EngineUnavailable):
        await anext(mock.stream(REQUEST))
    assert mock.seen == []
    mock.fail_before, mock.fail_after = False, 2
    read: list[str] = []
    with pytest.raises(EngineError):
        await _note(mock, read)
    assert read == ["a", "b"]


async def _note(mock: Mock, read: list[str]) -> None:
    async for chunk in mock.stream(REQUEST):
        read.append(chunk.text)  # noqa: PERF401  what came before an error counts


async def test_it_counts_readers_that_leave(mock: Mock):
    mock.gate = asyncio.Event()
    stream = mock.stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert mock.cancelled == 1


async def test_it_answers_only_while_started():
    engine = Mock()
    assert engine.state() == "starting"
    with pytest.raises(EngineUnavailable):
        await anext(engine.stream(REQUEST))
    await engine.start()
    assert engine.state() == "ready"
    await engine.close()
    await engine.close()
    assert engine.state() == "down"
