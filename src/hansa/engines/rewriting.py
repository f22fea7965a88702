"""The embedded engine with a second llama.cpp beside it that guesses ahead in rewrites.

A rewrite says again most of what it was shown, so a few tokens of the old text at once, which the
model only checks, come twice as fast as one by one (benchmarks/apply.py). Nothing else gains by
it, and what was guessed has no log-probability; llama.cpp guesses for a whole server or not at all.
Hence two: the second is started at the first rewrite, on the same weights in memory, and takes one
rewrite at a time; whatever it cannot take goes to the first.
"""

import contextlib
from collections.abc import AsyncGenerator

from hansa.engines.base import EngineState
from hansa.engines.llamacpp import LlamaCpp
from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Request

REWRITES = ("edit", "apply")


class Rewriting:
    """Looks like `engine`, which answers whatever `rewriter` does not."""

    def __init__(self, engine: LlamaCpp, rewriter: LlamaCpp) -> None:
        self._engine = engine
        self._rewriter = rewriter
        self._begun = False
        self._busy = False

    @property
    def features(self) -> frozenset[Feature]:
        return self._engine.features

    @property
    def pid(self) -> int | None:
        return self._engine.pid

    def state(self) -> EngineState:
        return self._engine.state()

    def problem(self) -> str:
        return self._engine.problem()

    async def start(self) -> None:
        await self._engine.start()

    async def close(self) -> None:
        await self._engine.close()
        await self._rewriter.close()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        rewrites = _guessable(request) and await self._free()
        self._busy |= rewrites
        engine = self._rewriter if rewrites else self._engine
        try:
            async with contextlib.aclosing(engine.stream(request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._busy &= not rewrites

    async def _free(self) -> bool:
        """Whether the rewriter takes a request now; the first asked for starts it for later."""
        if not self._begun:
            self._begun = True
            await self._rewriter.start()
        return not self._busy and self._rewriter.state() == "ready"


def _guessable(request: Request) -> bool:
    sampling = request.sampling
    return request.task in REWRITES and sampling.logprobs is None and sampling.best_of == 1
