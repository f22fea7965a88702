"""A deadline ends what waits too long, and nothing else."""

import asyncio

import pytest

from hansa.core.deadline import Deadline
from hansa.core.randomness import POOL_BYTES, Pool


async def test_what_is_done_in_time_is_left_alone():
    with Deadline(30):
        await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]  a test is a task


async def test_what_waits_too_long_is_a_timeout():
    with pytest.raises(TimeoutError), Deadline(0.001):
        await asyncio.Event().wait()
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]  a test is a task


async def test_a_task_that_is_cancelled_from_outside_stays_cancelled():
    async def work() -> None:
        with Deadline(30):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_passes_through():
    with pytest.raises(KeyError), Deadline(30):
        raise KeyError


def test_random_names_do_not_repeat_across_supplies():
    pool = Pool()
    names = [pool.hex(16) for _ in range(POOL_BYTES // 16 * 3)]
    assert len(set(names)) == len(names)
    assert all(len(name) == 32 for name in names)
