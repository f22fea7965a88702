"""Receipts on disk at once: an append-only file that the ledger takes in a moment later.

Many receipts share one flush. Two files take turns; one is written again only when everything in it
is durable in the ledger. After `kill -9` or a power cut the ledger takes in what it lacks.
"""

import asyncio
import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hansa.core.errors import StorageError
from hansa.core.files import storage_error

FILE_BYTES = 4 * 1024 * 1024
WAITING_MAX = 4096
"""Records that wait for a flush; more are refused."""

BATCH_MAX = 1024
"""Records in one flush."""

RECORD_BYTES = 256
"""What a record takes beside its payload, at most."""

FULL_WAIT_S = 5.0
"""How long records wait for the ledger when both files are full, until they are refused."""

LOOK_AGAIN_S = 0.005

HAND_OVER_S = 0.1
"""How long flushes are gathered before the ledger takes them in."""

SLOW_FLUSH_S = 0.001
"""A disk that takes longer is flushed in a thread, so that it does not hold up the loop."""

_FRAME = struct.Struct("<QII")
"""Sequence number, bytes of the body, CRC-32 of number and body; a frame is one flush."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One receipt of what this member served to its own developer."""

    payload: bytes
    """Canonical JSON of the receipt."""
    maker: str
    """Of the model; it is owed a copy."""
    account: str = ""
    """Id of the API key that asked; empty if there was none."""


Taken = Callable[[Sequence[Record], Callable[[], None]], None]
"""Takes in records that are on disk; calls back, in any thread, when they are in the ledger."""


class Journal:
    """Made by `open`; used by one event loop at a time."""

    def __init__(self, files: "list[_File]", first: int, taken: Taken) -> None:
        self._files, self._at = files, 0
        self._number = first
        self._taken = taken
        self._waiting: list[tuple[Record, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | asyncio.Handle | None = None
        self._flush_s = 0.0
        self._flushed: list[tuple[list[Record], _File]] = []
        """On disk, and not yet given to the ledger."""
        self._handing: asyncio.TimerHandle | None = None
        self._patient_until_s = 0.0

    @classmethod
    def open(cls, path: Path, taken: Taken) -> "tuple[Journal, list[Record]]":
        """Open both files, made if they are missing; also returns what they hold, oldest first.

        Raises:
            StorageError: the disk refused.
        """
        try:
            files = [_File(path.with_name(f"{path.name}.{name}")) for name in ("a", "b")]
            frames = sorted(frame for each in files for frame in each.frames())
        except OSError as error:
            raise storage_error(error, path) from error
        records = [record for _, body in frames for record in _decode(body)]
        number = frames[-1][0] + 1 if frames else 1
        return cls(files, number, taken), records

    async def commit(self, record: Record) -> None:
        """Return once `record` is on disk.

        Raises:
            StorageError: the disk refused, or too much waits for it; the record counts for nothing.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise StorageError(
                f"{WAITING_MAX} receipts wait to be written to {self._files[0].path}",
                hint="the disk is too slow; look at its load",
            )
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((record, done))
        self._schedule(loop)
        await done

    def hand_over(self) -> None:
        """Let the ledger take in what is on disk. Many flushes at once: each wakes its thread."""
        if self._handing is not None:
            self._handing.cancel()
            self._handing = None
        flushed, self._flushed = self._flushed, []
        if not flushed:
            return

        def kept() -> None:
            for _, file in flushed:
                file.note_taken()

        try:
            self._taken([record for records, _ in flushed for record in records], kept)
        except StorageError:  # Too much waits for the disk; it is safe here, and tried again.
            self._flushed = flushed + self._flushed
            self._handing = asyncio.get_running_loop().call_later(HAND_OVER_S, self.hand_over)

    def close(self) -> None:
        """Let go of the files; what was committed stays in them until it is taken in."""
        for each in self._files:
            each.close()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._flushing is not None:
            return
        # After all that is ready in this turn of the loop, so that it shares the flush.
        self._flushing = loop.call_soon(self._flush, loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_full() and time.monotonic() < self._patient_until_s:
            self.hand_over()
            self._flushing = loop.call_later(LOOK_AGAIN_S, self._flush, loop)
        elif self._flush_s > SLOW_FLUSH_S:
            self._flushing = loop.create_task(self._flush_in_thread())
        else:
            self._flush_here()

    def _is_full(self) -> bool:
        """Whether both files hold what the ledger has not taken in yet."""
        file, other = self._files[self._at], self._files[1 - self._at]
        size = sum(len(record.payload) + RECORD_BYTES for record, _ in self._waiting[:BATCH_MAX])
        full = not file.has_room(size) and other.untaken > 0
        if not full:
            self._patient_until_s = time.monotonic() + FULL_WAIT_S
        return full

    def _flush_here(self) -> None:
        batch = self._next_batch()
        self._report(batch, self._write([record for record, _ in batch]))

    async def _flush_in_thread(self) -> None:
        batch = self._next_batch()
        records = [record for record, _ in batch]
        self._report(batch, await asyncio.to_thread(self._write, records))

    def _next_batch(self) -> "list[tuple[Record, asyncio.Future[None]]]":
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        return batch

    def _report(
        self, batch: "list[tuple[Record, asyncio.Future[None]]]", error: StorageError | None
    ) -> None:
        self._flushing = None
        if self._handing is None:
            later = asyncio.get_running_loop().call_later
            self._handing = later(HAND_OVER_S, self.hand_over)
        for _, done in batch:
            if done.done():
                continue  # Whoever waited is gone; the record counts all the same.
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        if self._waiting:
            self._schedule(asyncio.get_running_loop())

    def _write(self, records: list[Record]) -> StorageError | None:
        began_s = time.perf_counter()
        body = _encode(records)
        try:
            file = self._file_for(len(body))
            file.append(self._number, body)
        except OSError as error:
            return storage_error(error, self._files[self._at].path)
        except StorageError as error:
            return error
        self._number += 1
        self._flush_s = 0.8 * self._flush_s + 0.2 * (time.perf_counter() - began_s)
        file.flushes += 1
        self._flushed.append((records, file))
        return None

    def _file_for(self, size: int) -> "_File":
        file = self._files[self._at]
        if file.has_room(size):
            return file
        other = self._files[1 - self._at]
        if other.untaken:
            raise StorageError(
                f"receipts come faster than {other.path} can be taken in",
                hint="the disk is too slow; look at its load",
            )
        self._at = 1 - self._at
        other.rewind()
        return other


class _File:
    """A file of fixed size, filled from its start; old frames behind the newest are ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.flushes = 0
        self._taken = 0
        """Of the flushes, how many the ledger has; counted by its writer's thread alone."""
        self._end = 0
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = os.fstat(self._handle).st_size
        self._size = max(size, FILE_BYTES)
        if size < FILE_BYTES:
            # Written once in full, so that later flushes need not change the file's size.
            os.pwrite(self._handle, bytes(FILE_BYTES - size), size)
            os.fsync(self._handle)

    def frames(self) -> list[tuple[int, bytes]]:
        """Number and body of every whole frame from the start on, while numbers grow."""
        data = os.pread(self._handle, self._size, 0)
        found: list[tuple[int, bytes]] = []
        at = 0
        while at + _FRAME.size <= len(data):
            number, size, check = _FRAME.unpack_from(data, at)
            body = data[at + _FRAME.size : at + _FRAME.size + size]
            if not number or len(body) != size or check != _check(number, body):
                break
            if found and number <= found[-1][0]:
                break
            found.append((number, body))
            at += _FRAME.size + size
        return found

    def has_room(self, size: int) -> bool:
        return self._end + _FRAME.size + size <= self._size

    def append(self, number: int, body: bytes) -> None:
        """Write one frame and wait for the disk."""
        frame = _FRAME.pack(number, len(body), _check(number, body)) + body
        os.pwrite(self._handle, frame, self._end)
        _flush(self._handle)
        self._end += len(frame)

    @property
    def untaken(self) -> int:
        """Flushes whose records the ledger does not have yet."""
        return self.flushes - self._taken

    def rewind(self) -> None:
        self._end = 0

    def note_taken(self) -> None:
        self._taken += 1

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


_flush = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def _check(number: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(number.to_bytes(8, "little")))


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Record]).decode
