"""An engine that cannot be reached is found out beside the requests, and so is its return."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
import structlog.testing

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines import watch
from hansa.engines.anthropic import anthropic
from hansa.engines.http import HttpClient
from hansa.engines.stand_in import Fault, StandIn
from hansa.engines.watch import Watch
from hansa.wire.requests import Message, Request
from support.league import free_port
from support.waiting import until

from .conftest import Asked

NOBODY = "http://127.0.0.1"
CHAT = Request("r", "chat", model="m", messages=(Message("user", "hi"),))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for pauses here; what counts is how many looks there were."""
    monkeypatch.setattr(watch, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(watch, "DOUBT_PAUSE_S", 0.001)


class Looked:
    """A look that shows what a test wants."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        self.count = 0
        self.found = 0

    async def look(self) -> None:
        self.count += 1
        if problem := self.problems.pop(0) if self.problems else "":
            raise EngineUnavailable(f"engine:1 {problem}")

    async def note(self) -> None:
        self.found += 1


@contextlib.asynccontextmanager
async def watching(
    looked: Looked, state: watch.EngineState = "ready", interval_s: float = 3600
) -> AsyncGenerator[Watch]:
    each = Watch("r1", looked.look, where="engine:1", interval_s=interval_s, found=looked.note)
    each.start(state)
    try:
        yield each
    finally:
        await each.close()
    assert each.state == "down"


async def test_one_failure_is_no_outage() -> None:
    looked, states = Looked("is slow"), list[str]()
    async with watching(looked) as each:
        while looked.count < 2:
            states.append(each.state)
            await asyncio.sleep(0)
    assert set(states) == {"ready"}
    assert looked.found == 0


async def test_two_are_and_it_says_why_until_it_is_back() -> None:
    looked = Looked(*["cannot be reached: Connection refused"] * 3)
    with structlog.testing.capture_logs() as logs:
        async with watching(looked, interval_s=0.01) as each:
            await until(lambda: each.state == "down")
            assert each.problem == "cannot be reached: Connection refused"
            await until(lambda: each.state == "ready")
            assert (each.problem, looked.found) == ("", 1)
    assert [(log["event"], log["address"]) for log in logs] == [
        ("engine_lost", "engine:1"), ("engine_ready", "engine:1"),
    ]  # fmt: skip


async def test_one_that_was_never_there_is_down_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETRY_FIRST_S", 3600)
    looked = Looked("cannot be reached: Connection refused")
    async with watching(looked, "starting") as each:
        await until(lambda: each.state == "down")
    assert looked.count == 1


async def test_a_look_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_TIMEOUT_S", 0.01)

    async def hang() -> None:
        await asyncio.Event().wait()

    each = Watch("r1", hang, where="engine:1")
    each.start("ready")
    await until(lambda: each.state == "down")
    assert each.problem == "no answer within 0.01 s"
    await each.close()


async def test_a_doubt_is_followed_at_once_but_not_by_a_look_for_each() -> None:
    looked = Looked()
    async with watching(looked) as each:
        await until(lambda: looked.count == 1)
        for _ in range(1000):
            each.doubt()
        await until(lambda: looked.count == 2)
        for _ in range(100):
            await asyncio.sleep(0)
        assert looked.count == 2


async def test_reaching_asks_nothing_and_leaves_no_connection() -> None:
    stand_in = StandIn()
    async with stand_in.serving() as url:
        http = HttpClient(url)
        await http.reach()
        await until(lambda: not http._open)
    assert stand_in.heads == []
    with pytest.raises(EngineUnavailable, match="cannot be reached: Connection refused"):
        await HttpClient(f"{NOBODY}:{free_port()}").reach()


@pytest.mark.parametrize("kind", ["vllm", "openai"])
@pytest.mark.parametrize(
    ("fault", "doubts"), [("", False), ("refuse", False), ("break_head", True), ("not_http", True)]
)
async def test_a_request_that_fails_on_its_way_has_the_engine_looked_at(
    asking: Asked, kind: str, fault: Fault, doubts: bool
) -> None:
    troubles: list[None] = []
    async with asking(StandIn(fault=fault), kind) as engine:
        await until(lambda: engine.state() == "ready")
        engine._http.on_trouble = lambda: troubles.append(None)
        with contextlib.suppress(EngineError):
            _ = [chunk async for chunk in engine.stream(CHAT)]
    assert bool(troubles) == doubts


async def test_a_provider_nobody_can_reach_is_down_before_anybody_asks() -> None:
    url = f"{NOBODY}:{free_port()}/v1"
    engine = anthropic(name="r1", url=url, model="m", api_key="k")
    await engine.start()
    await until(lambda: engine.state() == "down")
    assert engine.problem() == "cannot be reached: Connection refused"
    await engine.close()
