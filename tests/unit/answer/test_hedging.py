"""A second replica is asked when the first is slower than it mostly is; one answer, all metered."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hansa.answer.pace import SAMPLES_MIN
from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines.mock import Mock
from hansa.wire.requests import Chunk, Request
from support.waiting import until

from .conftest import Kit, a_request


class Held(Mock):
    """Does not begin before it is let go."""

    def __init__(self) -> None:
        super().__init__(("slow",))
        self.go = asyncio.Event()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        self.seen.append(request)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.seen.pop()
        async for chunk in super().stream(request):
            yield chunk


@pytest.fixture
async def slow(kit: Kit) -> Held:
    """The replica that routing takes first, with a pace of 10 ms and now held."""
    engine = Held()
    await engine.start()
    kit.node.fleet.local["r1"].engine = kit.engines["r1"] = engine
    for _ in range(SAMPLES_MIN):
        kit.node.fleet._pace.note("acme/r1", 0.01)
    return engine


async def test_the_quicker_one_answers_and_the_slower_one_is_stopped_and_metered(
    kit: Kit, slow: Held
):
    chunks = await kit.read(a_request())
    assert "".join(chunk.text for chunk in chunks) == "abc"
    served, lost = sorted(await kit.entries(), key=lambda each: each.receipt.finish, reverse=True)
    assert (served.receipt.finish, served.receipt.replica) == ("stop", "r2")
    assert (lost.receipt.finish, lost.receipt.replica) == ("cancelled", "r1")
    assert slow.cancelled == 1
    assert lost.receipt.completion_tokens == 0
    assert served.receipt.request != lost.receipt.request
    assert kit.at_rest()


async def test_the_first_may_still_win(kit: Kit, slow: Held):
    second = Held()
    await second.start()
    kit.node.fleet.local["r2"].engine = second
    reading = asyncio.create_task(kit.read(a_request()))
    await until(lambda: bool(second.seen))
    slow.go.set()
    assert "".join(chunk.text for chunk in await reading) == "slow"
    assert len(await kit.entries()) == 2
    assert second.cancelled == 1
    assert kit.at_rest()


async def test_a_chat_is_not_hedged(kit: Kit, slow: Held):
    reading = asyncio.create_task(kit.read(a_request(task="chat")))
    await until(lambda: bool(slow.seen))
    await asyncio.sleep(0)
    slow.go.set()
    await reading
    assert kit.engines["r2"].seen == []


async def test_when_both_fail_the_next_one_is_tried(kit: Kit, slow: Held):
    kit.engines["r2"].fail_before = True
    reading = asyncio.create_task(kit.read(a_request()))
    await until(lambda: bool(slow.seen))
    slow.fail_before = True
    slow.go.set()
    assert "".join(chunk.text for chunk in await reading) == "abc"
    assert kit.at_rest()


async def test_a_client_that_leaves_during_the_race_stops_both(kit: Kit, slow: Held):
    second = Held()
    await second.start()
    kit.node.fleet.local["r2"].engine = second
    reading = asyncio.create_task(kit.read(a_request()))
    await until(lambda: bool(second.seen))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await kit.answering.close()
    assert (slow.cancelled, second.cancelled) == (1, 1)
    assert kit.at_rest()


async def test_a_replica_that_keeps_failing_is_not_asked(kit: Kit):
    replica, now_s = kit.node.fleet.local["r1"], asyncio.get_running_loop().time()
    for _ in range(5):
        replica.breaker.failed(now_s + 1000)
    assert "failed 5 times" in replica.down_reason(now_s)
    await kit.read(a_request())
    assert kit.engines["r1"].seen == []
    assert len(kit.engines["r2"].seen) == 1


async def test_a_full_queue_refuses_and_says_so(kit: Kit):
    for replica in kit.node.fleet.local.values():
        replica.queue, replica.slots = 0, 0
    with pytest.raises(EngineUnavailable, match="requests wait for it already"):
        await kit.read(a_request())


async def test_a_fault_after_the_first_chunk_counts_against_the_replica(kit: Kit):
    kit.engines["r1"].fail_after = 1
    with pytest.raises(EngineError):
        await kit.read(a_request())
    assert kit.node.fleet.local["r1"].breaker.failures == 1


async def test_a_tie_gives_every_place_back(kit: Kit, slow: Held):
    second = Held()
    await second.start()
    kit.node.fleet.local["r2"].engine = second
    reading = asyncio.create_task(kit.read(a_request()))
    await until(lambda: bool(second.seen))
    second.go.set()
    slow.go.set()
    assert "".join(chunk.text for chunk in await reading) == "slow"
    assert len(await kit.entries()) == 2
    assert kit.at_rest()


async def test_a_client_that_leaves_as_a_replica_begins_gives_every_place_back(
    kit: Kit, slow: Held
):
    for turns in range(6):
        slow.go.clear()
        asking = asyncio.create_task(kit.answering.answer(a_request()))
        await until(lambda: bool(slow.seen))
        slow.go.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        done = await asyncio.gather(asking, return_exceptions=True)
        if not isinstance(done[0], BaseException):
            await done[0].aclose()
        await kit.answering.close()
        assert kit.at_rest(), turns
        slow.seen.clear()
