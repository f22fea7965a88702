"""Whether an engine that is not ours to start can be reached: looked at again and again, beside the
requests, so that none of them has to find out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from hansa.core.errors import HansaError
from hansa.engines.base import EngineState

INTERVAL_S = 2.0
"""Between two looks at an engine that a member runs itself."""

HOSTED_INTERVAL_S = 10.0
"""The same for a provider's API: a connection is opened and closed, nothing is asked."""

LOOK_TIMEOUT_S = 2.0
FAILURES_MAX = 2
"""In a row, until an engine that was ready counts as down: one slow answer is no outage."""

RETRY_FIRST_S = 0.1
"""After a look that failed; then twice as long each time, up to the interval."""

DOUBT_PAUSE_S = 0.5
"""However many requests fail, a look that went well is not repeated sooner."""

_log = structlog.get_logger()


async def _nothing() -> None: ...


class Watch:
    """Keeps the state of one engine."""

    def __init__(
        self,
        name: str,
        look: Callable[[], Awaitable[None]],
        *,
        where: str,
        interval_s: float = INTERVAL_S,
        found: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """`look` raises HansaError if the engine does not serve; `found` prepares one that was not
        there before. `where` is its address, which is left out of what everybody may read."""
        self.state: EngineState = "starting"
        self.problem = ""
        """Why it is down; empty while it is not."""
        self._name = name
        self._look = look
        self._where = where
        self._interval_s = interval_s
        self._found = found
        self._doubted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, state: EngineState) -> None:
        """Begin to look; until that shows something, the engine counts as `state`."""
        self.state = state
        self._task = asyncio.create_task(self._run(), name=f"watch {self._name}")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self.state = "down"

    def doubt(self) -> None:
        """A request failed on its way: look soon, not only when it is time."""
        self._doubted.set()

    async def _run(self) -> None:
        failures, retry_s = 0, RETRY_FIRST_S
        while True:
            self._doubted.clear()
            problem = await self._problem()
            if problem:
                failures += 1
                if self.state != "ready" or failures >= FAILURES_MAX:
                    self._lost(problem)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, self._interval_s)
                continue
            failures, retry_s = 0, RETRY_FIRST_S
            if self.state != "ready":
                await self._found()
                _log.info("engine_ready", replica=self._name, address=self._where)
            self.state, self.problem = "ready", ""
            await self._pause()

    async def _problem(self) -> str:
        """What a look shows to be wrong; empty if it is well."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await self._look()
        except TimeoutError:
            return f"no answer within {LOOK_TIMEOUT_S:g} s"
        except HansaError as error:
            return error.message.removeprefix(f"{self._where} ")
        return ""

    def _lost(self, problem: str) -> None:
        if self.state == "ready":
            _log.warning("engine_lost", replica=self._name, address=self._where, error=problem)
        self.state, self.problem = "down", problem

    async def _pause(self) -> None:
        await asyncio.sleep(DOUBT_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval_s - DOUBT_PAUSE_S):
                await self._doubted.wait()
