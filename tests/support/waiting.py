"""Waiting for what happens, bounded; never for time to pass."""

import asyncio
from collections.abc import Callable


async def until(happened: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Return as soon as `happened()` holds; fail if it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not happened():
            await asyncio.sleep(0.005)
