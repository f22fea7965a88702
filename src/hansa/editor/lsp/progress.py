"""Shows in the editor how far an index is."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer


class WorkDone:
    """Called from any thread; speaks to the editor in the loop's, once that is `ready`."""

    def __init__(self, server: "LanguageServer") -> None:
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tokens: dict[Path, str] = {}
        self._percent: dict[Path, int] = {}
        self._begun: dict[Path, asyncio.Task[str]] = {}
        self._ending: asyncio.Task[None] | None = None

    def ready(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def begin(self, root: Path) -> None:
        self._call(lambda: self._begin(root))

    def at(self, root: Path, done: int, total: int) -> None:
        """Told only when a percent more is done, as there are many files."""
        percent = 100 * done // max(total, 1)
        if percent == self._percent.get(root):
            return
        self._percent[root] = percent
        said = f"{done}/{total} files"
        self._call(
            lambda: self._report(root, lsp.WorkDoneProgressReport(message=said, percentage=percent))
        )

    def end(self, root: Path, said: str) -> None:
        self._call(lambda: self._end(root, said))

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(what)

    def _begin(self, root: Path) -> None:
        window = self._server.client_capabilities.window
        if window and window.work_done_progress:
            self._begun[root] = asyncio.get_running_loop().create_task(self._show(root))

    async def _show(self, root: Path) -> str:
        """The token it is shown under; empty if the editor refused to show it."""
        token, done = str(uuid.uuid4()), self._server.work_done_progress
        try:
            await done.create_async(token)  # pyright: ignore[reportUnknownMemberType]  pygls says too little
        except JsonRpcException:
            return ""
        self._tokens[root] = token
        title = f"Hansa: indexing {root.name}"
        done.begin(token, lsp.WorkDoneProgressBegin(title, cancellable=False, percentage=0))
        return token

    def _report(self, root: Path, value: lsp.WorkDoneProgressReport) -> None:
        if token := self._tokens.get(root):
            self._server.work_done_progress.report(token, value)

    def _end(self, root: Path, said: str) -> None:
        if root in self._begun:
            self._ending = asyncio.get_running_loop().create_task(self._hide(root, said))

    async def _hide(self, root: Path, said: str) -> None:
        if token := await self._begun[root]:
            del self._begun[root], self._tokens[root]
            self._server.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=said))
