"""The node that answers, found when it is needed, and found again when it has moved."""

import contextlib
import importlib
from collections.abc import AsyncGenerator, Callable

import msgspec

from hansa.core.errors import EngineUnavailable, Unauthorized
from hansa.editor.connection import Connection
from hansa.editor.node import Answer, NodeClient
from hansa.wire.native import Counted, Fate, FateOf, NodeView
from hansa.wire.requests import ANY_MODEL, Request


class FoundNode:
    """Answers as the node does that `find` names; raises ConfigError if it names none."""

    def __init__(self, find: Callable[[], Connection]) -> None:
        self._find = find
        self._connection: Connection | None = None
        self._client: NodeClient | None = None
        self._doubted = False
        """Whether it failed lately: it may have been started anew, with another port or key."""

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncGenerator[Answer]:
        """Raises as `NodeClient.answer`, and ConfigError."""
        client = await self._connected()
        try:
            async with client.answer(request) as answer:
                yield answer
        except (EngineUnavailable, Unauthorized):
            self._doubted = True
            raise

    async def prompt_tokens_per_s(self, model: str) -> float | None:
        """How fast the slowest replica that may answer reads; None if none is up.

        Raises:
            HansaError: as `NodeClient.fetch`, and ConfigError.
        """
        client = await self._connected()
        try:
            seen = await client.fetch("/hansa/v1/node", NodeView)
        except (EngineUnavailable, Unauthorized):
            self._doubted = True
            raise
        rates = [
            each.prompt_tokens_per_s
            for each in seen.replicas
            if each.up and model in (ANY_MODEL, each.model)
        ]
        return min(rates, default=None)

    async def tell(self, request: str, fate: Fate) -> None:
        """Say what became of a suggestion, and nothing else. Raises as `fetch`."""
        client = await self._connected()
        body = msgspec.json.encode(FateOf(request, fate))
        try:
            await client.fetch("/hansa/v1/outcomes", Counted, body)
        except (EngineUnavailable, Unauthorized):
            self._doubted = True
            raise

    def warm(self) -> None:
        """Import the client before it is needed, which takes half a second; in any thread."""
        importlib.import_module("aiohttp")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__()

    async def _connected(self) -> NodeClient:
        if self._client is None or self._doubted:
            found = self._find()
            if self._client is None or found != self._connection:
                await self.close()
                self._connection = found
                self._client = await NodeClient(found).__aenter__()
            self._doubted = False
        return self._client
