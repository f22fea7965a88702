"""What engines behind a provider's API have in common, whatever its events look like.

A test says how its provider spells `TEXT` and the calls `CALLED`; what is to come of them is here.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines.hosted import Hosted
from hansa.wire.requests import Chunk, Message, Request, Sampling, Usage
from hansa.wire.tools import ToolDelta
from support.provider import Provider
from support.waiting import until

CHAT = Request("r", "chat", model="m", messages=(Message("user", "hi"),), sampling=Sampling(16))
TEXT = "Hello, wörld"
USED = Usage(39, 7, 30)
"""Of 5 fresh tokens, 4 written to the provider's cache and 30 read from it."""
CALLED = [
    ToolDelta(0, "t1", "f"),
    ToolDelta(0, arguments='{"a":'),
    ToolDelta(0, arguments="1}"),
    ToolDelta(1, "t2", "g"),
    ToolDelta(1, arguments="{}"),
]


@asynccontextmanager
async def started(provider: Provider, make: Callable[[str], Hosted]) -> AsyncGenerator[Hosted]:
    """The engine that `make` makes of the provider's address, started."""
    async with provider.serving() as url:
        engine = make(url)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.close()


async def read(engine: Hosted) -> list[Chunk]:
    return [chunk async for chunk in engine.stream(CHAT)]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


async def says(engine: Hosted) -> None:
    """`TEXT` comes, and how many tokens it was."""
    chunks = await read(engine)
    assert text_of(chunks) == TEXT
    assert chunks[-1] == Chunk(finish="stop", usage=USED)


async def thinks_and_calls(engine: Hosted) -> None:
    """The thought `hm` comes, and `CALLED`."""
    chunks = await read(engine)
    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert [call for chunk in chunks for call in chunk.tool_calls] == CALLED
    assert chunks[-1].finish == "tool_calls"


async def fails_before(engine: Hosted, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        await read(engine)


async def fails_after(engine: Hosted, said: str) -> None:
    """All of `TEXT` comes, then an error that nobody takes for a reason to try elsewhere."""
    seen: list[Chunk] = []
    with pytest.raises(EngineError, match=said) as caught:
        await _note(engine, seen)
    assert text_of(seen) == TEXT
    assert not isinstance(caught.value, EngineUnavailable)


async def is_left(engine: Hosted, provider: Provider) -> Chunk:
    """The provider sees that a reader leaves after its first chunk, which is returned."""
    stream = engine.stream(CHAT)
    chunk = await anext(stream)
    await stream.aclose()
    await until(lambda: provider.left == 1)
    return chunk


async def _note(engine: Hosted, seen: list[Chunk]) -> None:
    async for chunk in engine.stream(CHAT):
        seen.append(chunk)  # noqa: PERF401  what came before the fault counts
