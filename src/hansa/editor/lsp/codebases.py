"""The indexes behind open files: made and kept fresh in one thread, searched in another.

SQLite's connections belong to the thread that opened them. So one thread writes and another reads,
each with its own connection, and a search never waits for an update.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from hansa.context.budget import Limits
from hansa.context.candidates import Codebase, Document, Found
from hansa.context.gather import CompletionPlan, gather
from hansa.core.errors import HansaError
from hansa.index.graph import Graph
from hansa.index.index import Index

_T = TypeVar("_T")

State = Literal["waiting", "indexing", "ready", "failed"]


class Progress(Protocol):
    """Who is told how far an index is; called from a thread of ours."""

    def begin(self, root: Path) -> None: ...
    def at(self, root: Path, done: int, total: int) -> None: ...
    def end(self, root: Path, said: str) -> None: ...


class _Stopped(Exception):
    """The server ends in the middle of an update, which the next one goes on with."""


class Codebases:
    def __init__(self, state_dir: Path, progress: Progress) -> None:
        self._state_dir = state_dir
        self._progress = progress
        self._writing = ThreadPoolExecutor(1, "hansa-index")
        self._reading = ThreadPoolExecutor(1, "hansa-search")
        self._writers: dict[Path, Index] = {}
        self._readers: dict[Path, Index] = {}
        self._stop = threading.Event()
        self._changed: dict[Path, set[str]] = {}
        self._lock = threading.Lock()
        self.states: dict[Path, State] = {}
        """Of each codebase that was asked for."""

    def want(self, root: Path) -> None:
        """Have a codebase indexed; returns at once, and does nothing the second time."""
        if root not in self.states:
            self.states[root] = "waiting"
            self._writing.submit(self._make, root)

    def changed(self, paths: Iterable[Path]) -> None:
        """Have files looked at again by the indexes they are in; returns at once."""
        by_root: dict[Path, set[str]] = {}
        for path in paths:
            for root in self.states:
                if path.is_relative_to(root) and path != root:
                    by_root.setdefault(root, set()).add(path.relative_to(root).as_posix())
        for root, names in by_root.items():
            self._changed_in(root, names)

    def of(self, root: Path | None) -> Codebase:
        """The codebase to plan with by `plan`; an empty one until its index is ready."""
        if root is None or self.states.get(root) != "ready":
            return Codebase()

        def read(ask: Callable[[Index], Sequence[Found]]) -> Sequence[Found]:
            return self._read(root, ask, ())

        return Codebase(
            search=lambda query, limit: read(lambda index: index.search(query, limit)),
            define=lambda name: read(lambda index: index.definitions(name)),
        )

    async def plan(
        self, document: Document, cursor: int, codebase: Codebase | None, limits: Limits | None
    ) -> CompletionPlan:
        """`gather`, in the thread that may search."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, gather, document, cursor, codebase, limits)

    async def ask(self, root: Path, asked: Callable[[Graph], _T]) -> _T | None:
        """What the graph of a codebase says, in the thread that may ask; None without an index."""
        if self.states.get(root) != "ready":
            return None

        def read() -> _T | None:
            return self._read(root, lambda index: asked(index.graph), None)

        return await asyncio.get_running_loop().run_in_executor(self._reading, read)

    def close(self) -> None:
        """Give up what is being made, and wait for the threads."""
        self._stop.set()
        self._writing.submit(_close, self._writers)
        self._reading.submit(_close, self._readers)
        self._writing.shutdown()
        self._reading.shutdown()

    def _changed_in(self, root: Path, paths: Collection[str]) -> None:
        with self._lock:
            waiting = self._changed.setdefault(root, set())
            is_first = not waiting
            waiting.update(paths)
        if is_first:
            self._writing.submit(self._refresh, root)

    def _make(self, root: Path) -> None:
        """In the writing thread."""
        self.states[root] = "indexing"
        self._progress.begin(root)
        said = "stopped"
        try:
            index = self._writers[root] = Index.open(root, self._state_dir)
            report = index.update(self._shown(root))
            self.states[root] = "ready"
            said = f"{report.files} files"
            index.warm()
        except _Stopped:
            pass
        except HansaError as error:
            self.states[root] = "failed"
            said = f"without the codebase: {error}"
        finally:
            self._progress.end(root, said)

    def _shown(self, root: Path) -> Callable[[int, int], None]:
        def at(done: int, total: int) -> None:
            if self._stop.is_set():
                raise _Stopped
            self._progress.at(root, done, total)

        return at

    def _refresh(self, root: Path) -> None:
        """In the writing thread."""
        with self._lock:
            paths = self._changed.pop(root, set())
        index = self._writers.get(root)
        if index is None or self._stop.is_set():
            return
        # What cannot be written now is seen by the next update.
        with contextlib.suppress(HansaError, _Stopped):
            if index.refresh(sorted(paths), self._unless_stopped).rebuilt:
                self._reading.submit(self._forget, root)

    def _unless_stopped(self, _done: int, _total: int) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _read(self, root: Path, ask: Callable[[Index], _T], otherwise: _T) -> _T:
        """In the reading thread; an index that cannot be read costs only what it would find."""
        try:
            if root not in self._readers:
                self._readers[root] = Index.open(root, self._state_dir, read_only=True)
            return ask(self._readers[root])
        except HansaError:
            self._forget(root)
            return otherwise

    def _forget(self, root: Path) -> None:
        """In the reading thread: it is opened anew when it is next needed."""
        if reader := self._readers.pop(root, None):
            reader.close()


def _close(indexes: dict[Path, Index]) -> None:
    for index in indexes.values():
        index.close()
