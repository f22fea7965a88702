"""A request that has a deadline is refused, or leaves the queue, when nobody can meet it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from hansa.core.errors import DeadlineUnmet, UserError
from hansa.engines.mock import Mock
from hansa.wire.requests import Chunk, Request
from support.waiting import until

from .conftest import REPLICAS, Kit, a_request


class Queue(Mock):
    """Everything asked of it waits; a test may let it answer."""

    def __init__(self) -> None:
        super().__init__(("a",))
        self.waiting = 0
        self.let = asyncio.Event()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        self.waiting += 1
        try:
            await self.let.wait()
        finally:
            self.waiting -= 1
        async for chunk in super().stream(request):
            yield chunk


async def queue_up(kit: Kit, *names: str) -> Queue:
    queue = Queue()
    await queue.start()
    for name in names:
        kit.node.fleet.local[name].engine = queue
    return queue


async def test_what_no_replica_can_do_in_time_is_sent_to_none(kit: Kit):
    for replica in kit.node.fleet.local.values():
        replica.busy = 100
    with pytest.raises(DeadlineUnmet, match="no replica can answer in") as caught:
        await kit.answering.answer(a_request(deadline_ms=300))
    assert caught.value.retry_after_s
    assert caught.value.retry_after_s > 10
    assert not any(engine.seen for engine in kit.engines.values())
    for replica in kit.node.fleet.local.values():
        replica.busy = 0
    assert kit.at_rest()
    assert kit.recent[0].outcome == "failed"


async def test_what_can_be_done_in_time_is_told_how_much_is_left(kit: Kit):
    await kit.read(a_request(deadline_ms=60_000))
    [seen] = [each for engine in kit.engines.values() for each in engine.seen]
    assert seen.deadline_ms
    assert 0 < seen.deadline_ms <= 60_000
    assert len(await kit.entries()) == 1


async def test_a_deadline_that_passes_in_the_queue_ends_the_wait(kit: Kit):
    queue = await queue_up(kit, *REPLICAS)
    asking = asyncio.create_task(kit.answering.answer(a_request(deadline_ms=300)))
    await until(lambda: queue.waiting == 1)
    with pytest.raises(DeadlineUnmet, match="before the deadline") as caught:
        await asking
    assert (caught.value.status, caught.value.retryable) == (503, True)
    assert queue.waiting == 0
    assert kit.at_rest()
    assert await kit.entries() == []


async def test_too_little_time_says_nothing_against_a_replica(kit: Kit):
    queue = await queue_up(kit, *REPLICAS)
    for _ in range(6):  # a replica that fails so often is no longer asked
        with pytest.raises(DeadlineUnmet):
            await kit.answering.answer(a_request(deadline_ms=200))
    queue.let.set()
    assert all(replica.breaker.failures == 0 for replica in kit.node.fleet.local.values())
    assert (await kit.read(a_request()))[-1].finish == "stop"


async def test_what_began_in_time_is_answered_to_its_end(kit: Kit):
    for engine in kit.engines.values():
        engine.gate = asyncio.Event()
    answer = await kit.answering.answer(a_request(deadline_ms=250))
    first = await anext(answer.chunks)
    over = asyncio.get_running_loop().time() + 0.25
    await until(lambda: asyncio.get_running_loop().time() > over)
    for engine in kit.engines.values():
        assert engine.gate
        engine.gate.set()
    assert first.text + "".join([each.text async for each in answer.chunks]) == "abc"
    await answer.aclose()


@pytest.mark.parametrize("deadline_ms", [0, -1, 10**300])
async def test_a_deadline_has_bounds(kit: Kit, deadline_ms: int):
    with pytest.raises(UserError, match="deadline_ms"):
        await kit.answering.answer(a_request(deadline_ms=deadline_ms))
    assert kit.at_rest()
