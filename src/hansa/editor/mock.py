"""Answers without a node or a model, for tests."""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from hansa.core.errors import HansaError
from hansa.editor.node import Answer
from hansa.wire.requests import Chunk, FinishReason, Request, TokenLogprob, Usage


class MockAnswers:
    """Gives its texts in turn, the last one ever after; remembers what it was asked."""

    def __init__(
        self,
        *texts: str,
        piece_chars: int = 3,
        finish: FinishReason = "stop",
        error: HansaError | None = None,
        logprob: float | None = None,
    ) -> None:
        """`logprob` is that of every piece, where log-probabilities are asked for."""
        self._texts: Sequence[str] = texts or ("",)
        self._piece_chars = piece_chars
        self._finish: FinishReason = finish
        self._error = error
        self._logprob = logprob
        self.asked: list[Request] = []
        self.sent = ""
        """What of the latest text was taken before reading stopped."""

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncGenerator[Answer]:
        text = self._texts[min(len(self.asked), len(self._texts) - 1)]
        self.asked.append(request)
        if self._error:
            raise self._error
        async with contextlib.aclosing(self._chunks(text, request)) as chunks:
            yield Answer(request.id, "mock/replica", "it is the only one", chunks)

    async def _chunks(self, text: str, request: Request) -> AsyncGenerator[Chunk]:
        self.sent = ""
        for start in range(0, len(text), self._piece_chars):
            piece = text[start : start + self._piece_chars]
            self.sent += piece
            tells = self._logprob is not None and request.sampling.logprobs is not None
            logprobs = (TokenLogprob(piece, self._logprob or 0.0),) if tells else ()
            yield Chunk(piece, logprobs=logprobs)
        yield Chunk(finish=self._finish, usage=Usage(10, len(text), 0))
