"""An engine without a model, for tests and for trying a league: its answer is known beforehand."""

import asyncio
from collections.abc import AsyncGenerator

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines.base import EngineState
from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Request, Usage

DEFAULT_ANSWER = " None\n"

CAN: frozenset[Feature] = frozenset(
    {"chat", "complete", "suffix", "prefill", "best_of", "penalties", "top_k", "seed"}
)


class Mock:
    """Answers with `pieces`, one chunk and one token each; four characters of prompt are a token.

    `fail_before` and `fail_after` break it before the first and after that many pieces; `gate`
    holds it after the first piece until a test sets it.
    """

    def __init__(
        self,
        pieces: tuple[str, ...] = (DEFAULT_ANSWER,),
        *,
        fail_before: bool = False,
        fail_after: int | None = None,
        gate: asyncio.Event | None = None,
    ) -> None:
        self.features = CAN
        self.pieces = pieces
        self.fail_before = fail_before
        self.fail_after = fail_after
        self.gate = gate
        self.seen: list[Request] = []
        self.cancelled = 0
        self._state: EngineState = "starting"

    def state(self) -> EngineState:
        return self._state

    def problem(self) -> str:
        return ""

    async def start(self) -> None:
        self._state = "ready"

    async def close(self) -> None:
        self._state = "down"

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        if self.fail_before or self._state != "ready":
            raise EngineUnavailable("the mock engine does not answer")
        self.seen.append(request)
        prompt_tokens = request.prompt_chars() // 4 + 1
        count = 0
        try:
            for count, piece in enumerate(self.pieces[: request.sampling.max_tokens], start=1):
                yield Chunk(piece, usage=Usage(prompt_tokens, count))
                if count == self.fail_after:
                    raise EngineError("the mock engine broke off")
                if self.gate:
                    await self.gate.wait()
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise
        finish = "length" if count < len(self.pieces) else "stop"
        yield Chunk(finish=finish, usage=Usage(prompt_tokens, count))
