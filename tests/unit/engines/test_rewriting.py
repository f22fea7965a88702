"""A second llama.cpp for rewrites: what goes there, what does not, and both end together."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from hansa.engines.base import EngineState
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.engines.rewriting import Rewriting
from hansa.wire.requests import Chunk, Request, Sampling, Usage
from support.waiting import until

OLD = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n"


@dataclass
class Asked:
    """Stands for a llama.cpp; says what it was asked, and answers in two pieces."""

    ready: EngineState = "ready"
    starts: int = 0
    asked: list[Request] = field(default_factory=list[Request])

    async def start(self) -> None:
        self.starts += 1

    def state(self) -> EngineState:
        return self.ready

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        self.asked.append(request)
        yield Chunk("a")
        yield Chunk("b", finish="stop", usage=Usage())


def both() -> tuple[Rewriting, Asked, Asked]:
    engine, rewriter = Asked(), Asked()
    return Rewriting(cast("LlamaCpp", engine), cast("LlamaCpp", rewriter)), engine, rewriter


def an_edit(**sampling: Any) -> Request:
    return Request("r", "edit", prefix=OLD * 2, sampling=Sampling(8, **sampling))


async def text(engine: Rewriting, request: Request) -> str:
    return "".join([chunk.text async for chunk in engine.stream(request)])


async def test_the_first_rewrite_starts_the_second_engine_once():
    engine, first, second = both()
    second.ready = "starting"
    assert await text(engine, an_edit()) == "ab"
    assert (len(first.asked), second.starts, second.asked) == (1, 1, [])
    second.ready = "ready"
    await text(engine, an_edit())
    assert (len(first.asked), second.starts, len(second.asked)) == (1, 1, 1)


async def test_it_takes_one_rewrite_at_a_time():
    engine, first, second = both()
    running = engine.stream(an_edit())
    await anext(running)
    await text(engine, an_edit())
    assert (len(first.asked), len(second.asked)) == (1, 1)
    await running.aclose()
    await text(engine, an_edit())
    assert (len(first.asked), len(second.asked)) == (1, 2)


@pytest.mark.parametrize(
    "request_",
    [
        Request("r", "complete", prefix=OLD, sampling=Sampling(8)),
        Request("r", "chat", prefix=OLD, sampling=Sampling(8)),
        an_edit(logprobs=1),
        an_edit(best_of=4),
    ],
)
async def test_nothing_else_starts_it(request_: Request):
    engine, first, second = both()
    await text(engine, request_)
    assert (len(first.asked), second.starts) == (1, 0)


async def test_when_it_is_down_the_first_answers():
    engine, first, second = both()
    second.ready = "down"
    await text(engine, an_edit())
    assert len(first.asked) == 1


@pytest.mark.model
async def test_a_real_one_writes_the_same_and_ends_with_the_first(weights: Path, tmp_path: Path):
    def make(name: str, *, speculates: bool) -> LlamaCpp:
        config = LlamaCppConfig(str(weights), 1, 1, 512, speculates=speculates)
        log = tmp_path / "engine.log"
        return LlamaCpp(config, render=lambda r: r.prefix, stop=(), name=name, log_path=log)

    rewriter = make("r rewriting", speculates=True)
    engine = Rewriting(make("r", speculates=False), rewriter)
    await engine.start()
    try:
        await until(lambda: engine.state() == "ready")
        alone = await text(engine, an_edit())
        await until(lambda: rewriter.state() == "ready")
        assert await text(engine, an_edit()) == alone
        pids = engine.pid, rewriter.pid
    finally:
        await engine.close()
    assert all(pid and not psutil.pid_exists(pid) for pid in pids)
