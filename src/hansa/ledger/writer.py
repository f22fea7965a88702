"""One thread that writes to the ledger's file, many changes to one flush of the disk."""

import asyncio
import contextlib
import errno
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hansa.core.errors import HansaError, StorageError
from hansa.core.files import storage_error

QUEUE_MAX = 4096
"""Changes waiting for the disk; more are refused."""

BATCH_MAX = 256
"""Changes in one transaction."""

HELD_RETRY_S = 1.0
"""After how long changes that the database refused are tried again."""

LAZY_WAIT_S = 0.02
"""How long changes that are on disk elsewhere are gathered before they are committed."""

Change = Callable[[Connection], None]
"""Runs inside a transaction. A HansaError it raises before writing concerns only itself."""


@dataclass(slots=True)
class _Job:
    change: Change
    done: "asyncio.Future[None] | None" = None
    kept: Callable[[], None] | None = None
    """What is told once the change is on disk; such a change is on disk elsewhere and may wait."""
    error: HansaError | None = None

    def report(self) -> None:
        if self.kept is not None and not isinstance(self.error, StorageError):
            self.kept()
        if self.done is not None:
            # The loop may have ended meanwhile; the change is on disk all the same.
            with contextlib.suppress(RuntimeError):
                self.done.get_loop().call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        assert self.done is not None
        if self.done.cancelled():
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self.error)


class Writer:
    """Commits changes in the order they were given.

    `before` runs first in every transaction, `finish` last, `committed` once it is on disk and
    `undone` when it could not be written.
    """

    def __init__(
        self,
        engine: Engine,
        path: Path,
        *,
        before: Change,
        finish: Change,
        committed: Callable[[], None],
        undone: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._path = path
        self._before, self._finish = before, finish
        self._committed, self._undone = committed, undone
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE_MAX)
        self._closed = False
        self._waiting = 0
        """Changes queued, or being committed."""
        self._counting = threading.Lock()
        self._held: list[_Job] = []
        """Changes that are on disk elsewhere and that the database refused: tried again."""
        self._retry_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="hansa-ledger", daemon=True)
        self._thread.start()

    async def write(self, change: Change) -> None:
        """Return once `change` is on disk.

        Raises:
            StorageError: the disk refused, or too much is waiting for it; nothing was changed.
        """
        job = _Job(change, asyncio.get_running_loop().create_future())
        self._put(job)
        assert job.done is not None
        await job.done

    def send(self, change: Change) -> None:
        """Queue `change` and return; it is lost if the disk refuses it."""
        self._put(_Job(change))

    async def caught_up(self) -> None:
        """Return once everything that was queued before is on disk, or was refused."""
        if not self._closed and self._waiting:
            await self.write(_nothing)

    def do(self, change: Change) -> None:
        """Commit `change` here and now, before anything else was queued; for a start."""
        with self._engine.begin() as connection:
            self._before(connection)
            change(connection)
            self._finish(connection)
        self._committed()

    def take(self, change: Change, kept: Callable[[], None]) -> None:
        """Queue `change`, which is on disk elsewhere already; `kept` hears when it is here too."""
        self._put(_Job(change, kept=kept))

    def close(self) -> None:
        """Write what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _put(self, job: _Job) -> None:
        if self._closed:
            raise StorageError(f"the ledger {self._path} is closed")
        with self._counting:
            self._waiting += 1
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            self._settled(1)
            raise StorageError(
                f"{QUEUE_MAX} changes wait to be written to {self._path}",
                hint="the disk is too slow; look at its load",
            ) from None

    def _settled(self, count: int) -> None:
        with self._counting:
            self._waiting -= count

    def _run(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather()
            if batch:
                self._commit(batch)

    def _gather(self) -> tuple[list[_Job], bool]:
        """The next changes to commit together, and whether there will be more."""
        batch: list[_Job] = []
        until_s = self._retry_at_s if self._held else None
        while len(batch) < BATCH_MAX:
            left_s = None if until_s is None else max(until_s - time.monotonic(), 0)
            try:
                job = self._queue.get(timeout=left_s)
            except queue.Empty:
                break
            if job is None:
                return self._held + batch, False
            batch.append(job)
            if job.kept is None:
                until_s = 0  # Somebody waits for this one: take what is there already, and go.
            elif len(batch) == 1:
                until_s = time.monotonic() + LAZY_WAIT_S
        return self._due() + batch, True

    def _due(self) -> list[_Job]:
        """Changes that were refused and are to be tried again now."""
        if not self._held or time.monotonic() < self._retry_at_s:
            return []
        due, self._held = self._held[:BATCH_MAX], self._held[BATCH_MAX:]
        return due

    def _commit(self, batch: list[_Job]) -> None:
        held: list[_Job] = []
        try:
            with self._engine.begin() as connection:
                self._before(connection)
                for job in batch:
                    self._apply(job, connection)
                self._finish(connection)
            self._committed()
        except Exception as error:  # noqa: BLE001  the thread must outlive any failed write
            self._undone()
            refused = disk_error(error, self._path)
            held = [job for job in batch if job.kept is not None]
            self._held += held
            self._retry_at_s = time.monotonic() + HELD_RETRY_S
            for job in batch:
                job.error = refused
        self._settled(len(batch) - len(held))
        for job in batch:
            job.report()

    @staticmethod
    def _apply(job: _Job, connection: Connection) -> None:
        job.error = None
        try:
            job.change(connection)
        except StorageError:
            raise
        except HansaError as error:
            job.error = error


def _nothing(_: Connection) -> None:
    """A change that waits for those before it."""


def disk_error(error: Exception, path: Path) -> HansaError:
    """What the database said, in the words `core.files` uses for disks."""
    if isinstance(error, HansaError):
        return error
    original = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(original, "sqlite_errorname", "") if isinstance(original, sqlite3.Error) else ""
    known = {
        "SQLITE_FULL": (errno.ENOSPC, "no space left"),
        "SQLITE_READONLY": (errno.EROFS, "read-only"),
        "SQLITE_CANTOPEN": (errno.EACCES, "cannot be opened"),
    }
    for prefix, (number, text) in known.items():
        if name.startswith(prefix):
            return storage_error(OSError(number, text), path)
    return storage_error(OSError(errno.EIO, str(original)), path)
