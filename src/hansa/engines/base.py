"""The seam between Hansa and whatever generates the tokens."""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Request

EngineState = Literal["starting", "ready", "down"]


class Engine(Protocol):
    """One replica, seen from the answer room."""

    @property
    def features(self) -> frozenset[Feature]:
        """What it can do; requests that need more are not sent to it."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        """Generate. The last chunk has `finish` and `usage`; closing the iterator stops the work.

        Raises:
            EngineUnavailable, PeerUnavailable: before the first chunk; another replica may serve.
            EngineError, PeerError: it broke, or refused for good.
        """
        ...

    def state(self) -> EngineState:
        """Whether it takes requests now; never blocks."""
        ...

    def problem(self) -> str:
        """Why it takes none, for people; empty if it does, or if there is no more to say."""
        ...

    async def start(self) -> None: ...

    async def close(self) -> None:
        """Stop and release everything; safe to call twice."""
        ...
