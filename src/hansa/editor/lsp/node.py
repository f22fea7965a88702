"""The node that answers, found when it is needed, and found again when it has moved."""

import contextlib
import importlib
from collections.abc import AsyncGenerator, Callable

from hansa.core.errors import EngineUnavailable, Unauthorized
from hansa.editor.connection import Connection
from hansa.editor.node import Answer, NodeClient
from hansa.wire.requests import Request


class FoundNode:
    """Answers as the node does that `find` names; raises ConfigError if it names none."""

    def __init__(self, find: Callable[[], Connection]) -> None:
        self._find = find
        self._connection: Connection | None = None
        self._client: NodeClient | None = None

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncGenerator[Answer]:
        """Raises as `NodeClient.answer`, and ConfigError."""
        client = self._client or await self._connect()
        try:
            async with client.answer(request) as answer:
                yield answer
        except (EngineUnavailable, Unauthorized):
            # It may have been started anew, with another port or key.
            if self._client is client and self._find() != self._connection:
                await self.close()
            raise

    def warm(self) -> None:
        """Import the client before it is needed, which takes half a second; in any thread."""
        importlib.import_module("aiohttp")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__()

    async def _connect(self) -> NodeClient:
        self._connection = self._find()
        self._client = await NodeClient(self._connection).__aenter__()
        return self._client
