"""The index and the assistant for any agent that speaks the Model Context Protocol, over stdio.

Tools only read. Everything they give back is cut to a bound, because an agent's context is small.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hansa.core.clock import SystemClock
from hansa.core.errors import HansaError, UserError
from hansa.editor.ask import ask
from hansa.editor.codebase import line_counts
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.searching import best_search, without_secrets

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from hansa.index.index import Hit, Index

HITS_MAX = 20
PLACES_MAX = 200
TEXT_CHARS_MAX = 2_000

Node = Callable[[], AbstractAsyncContextManager[Answers]]
"""Opens a connection to a node; raises ConfigError if none is known."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of the codebase."""

    path: str
    start_line: int
    end_line: int
    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    path: str
    line: int
    kind: str
    """`call`, `import` or `use`."""


@dataclass(frozen=True)  # with slots, the SDK takes their descriptors for defaults
class Told:
    text: str
    sources: list[str]
    """What the answer is drawn from, as `path:first-last`."""
    not_there: list[str]
    """Places the answer names that do not exist."""


class Codebase:
    """What the tools do; each looks at the disk first, so that they see what was just written."""

    def __init__(self, root: Path, state_dir: Path, node: Node, preferences: Preferences) -> None:
        self._root, self._state_dir = root, state_dir
        self._node, self._preferences = node, preferences
        self._turn = asyncio.Lock()

    async def search(self, query: str, limit: int = 8) -> list[Place]:
        """Find code and documentation by words, names or a question. Best first."""
        count = max(1, min(limit, HITS_MAX))
        return await self._with_index(lambda index: self._found(index, query, count))

    async def definitions(self, name: str) -> list[Place]:
        """Where a function, class, method or heading of this name is defined."""
        return await self._with_index(
            lambda index: [_place(hit) for hit in index.definitions(name)[:HITS_MAX]]
        )

    async def references(self, name: str) -> list[Use]:
        """Where this name is called, imported or used: paths and line numbers."""
        return await self._with_index(
            lambda index: [
                Use(each.path, each.line, each.kind)
                for each in index.graph.references(name)[:PLACES_MAX]
            ]
        )

    async def ask(self, question: str) -> Told:
        """Answer a question about the codebase, with the places the answer comes from."""
        places = await self.search(question)
        if not places:
            raise UserError("nothing in the codebase has to do with this question")
        async with self._node() as answers:
            hits = await self._with_index(lambda index: self._hits(index, question, HITS_MAX))
            done = await ask(
                question,
                lambda _query, limit: hits[:limit],
                answers,
                SystemClock(),
                preferences=self._preferences,
                line_count=line_counts(self._root),
            )
        sources = [f"{each.path}:{each.start_line}-{each.end_line}" for each in done.used]
        return Told(done.text, sources, [each.said for each in done.citations if not each.exists])

    async def _with_index(self, look: Callable[["Index"], _T]) -> _T:
        """In a thread of its own: a database belongs to the thread that opened it."""
        from hansa.index.index import Index

        def work() -> _T:
            with Index.open(self._root, self._state_dir) as index:
                index.update()
                return look(index)

        async with self._turn:
            return await asyncio.to_thread(work)

    def _found(self, index: "Index", query: str, limit: int) -> list[Place]:
        return [_place(hit) for hit in self._hits(index, query, limit)]

    def _hits(self, index: "Index", query: str, limit: int) -> list["Hit"]:
        with ExitStack() as stack:
            return stack.enter_context(best_search(index, self._state_dir))(query, limit)


def server(codebase: Codebase, version: str) -> "MCPServer[Any]":
    """The tools as an MCP server; `run()` serves it on stdio.

    Raises:
        UserError: the extra `mcp` is not installed.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise UserError(
            "`hansa mcp` needs the package mcp, which is not installed",
            hint="pip install 'hansa[mcp]'",
        ) from error

    made: MCPServer[Any] = MCPServer(
        "hansa", version=version, instructions="Search this codebase before reading whole files."
    )
    for tool in (codebase.search, codebase.definitions, codebase.references, codebase.ask):
        # Agents run what only reads without asking their user first; only `ask` leaves the machine.
        reads = ToolAnnotations(read_only_hint=True, open_world_hint=tool == codebase.ask)
        made.add_tool(_telling(tool, ToolError), annotations=reads)
    return made


def _telling(
    tool: Callable[..., Awaitable[Any]], kind: type[Exception]
) -> Callable[..., Awaitable[Any]]:
    """The same, raising what an agent is told, with what to do about it."""

    @functools.wraps(tool)
    async def told(*args: Any, **named: Any) -> Any:
        try:
            return await tool(*args, **named)
        except HansaError as error:
            raise kind(str(error)) from error

    return told


@asynccontextmanager
async def no_node() -> AsyncGenerator[Answers]:
    """For who has none: `ask` says so, all else works."""
    raise UserError("no node is known here, so nothing can be asked", hint="start `hansa up`")
    yield  # pragma: no cover


def _place(hit: "Hit") -> Place:
    snippet = without_secrets(hit).snippet
    text = snippet.text[:TEXT_CHARS_MAX]
    return Place(snippet.path, snippet.start_line, snippet.end_line, hit.kind, hit.symbol, text)
