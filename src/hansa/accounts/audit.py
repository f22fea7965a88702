"""Who administered this node, and how: a file that only grows, each line bound to the one before.

A line that was changed or taken out breaks the chain. That the last lines were cut off shows only
against a head that was kept elsewhere, which is why `hansa audit verify` prints it.

A node serves although its log was damaged, but nothing is appended to a broken chain: the file is
kept as it is under another name, and a new one begins with a line that names it and the break.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hansa.core.clock import Clock
from hansa.core.digests import sha256_hex
from hansa.core.errors import IntegrityError, StorageError
from hansa.core.files import exclusive_lock, storage_error, write_atomic

LINE_BYTES_MAX = 64 * 1024
DETAIL_CHARS_MAX = 500
NOTHING_BEFORE = "0" * 64

BROKEN = "audit_broken"
"""The act that begins a new file after a broken one."""

Warn = Callable[[str], None]


class AuditEntry(msgspec.Struct, frozen=True):
    """One act. It never holds a secret."""

    at_ms: int
    actor: str
    """Who acted: `cli uid=1000`, an admin key's id, or `node`."""
    act: str
    details: dict[str, str]
    before: str
    """SHA-256 of the line before, without its line end; zeros in the first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a whole log says of itself."""

    entries: int
    head: str
    """SHA-256 of the last line."""
    torn_bytes: int
    """Of a last line that was never finished; the next act replaces it."""
    breaks: tuple[str, ...] = ()
    """What was wrong with the files before this one, and where they are."""


def audit_path(state_dir: Path) -> Path:
    """Where a node keeps its audit log."""
    return state_dir / "audit.jsonl"


class AuditLog:
    """The audit log in one file; several processes may write it."""

    def __init__(self, path: Path, clock: Clock, warn: Warn | None = None) -> None:
        """`warn` is told, in a sentence, what damage was found and what became of it."""
        self._path = path
        self._clock = clock
        self._warn: Warn = warn or _say_nothing

    def note(self, actor: str, act: str, details: Mapping[str, str]) -> AuditEntry:
        """Append one act; it is on disk when this returns.

        Acts are rare, so the whole chain is followed each time.

        Raises:
            StorageError: the disk refused.
        """
        with exclusive_lock(self._path.with_suffix(".lock")):
            if broken := self._set_aside_if_broken():
                self._warn(self._break_of(broken))
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise storage_error(error, self._path) from error
            try:
                return self._append(handle, actor, act, details)
            except OSError as error:
                raise storage_error(error, self._path) from error
            finally:
                os.close(handle)

    def mend(self) -> None:
        """Look after the log of a node that starts; it can be written to afterwards.

        Raises:
            StorageError: the disk refused.
        """
        with exclusive_lock(self._path.with_suffix(".lock")):
            self._set_aside_if_broken()
            verdict = self.verify()
        if verdict.torn_bytes:
            self._warn(
                f"the last line of {self._path} was never finished ({verdict.torn_bytes} bytes); "
                f"the next act moves it to {self._torn_path}"
            )
        for each in verdict.breaks:
            self._warn(each)

    def latest(self, limit: int) -> list[AuditEntry]:
        """The last `limit` acts, oldest first; an unfinished last line is left out.

        Raises:
            IntegrityError: a line is no act.
        """
        kept: deque[AuditEntry] = deque(maxlen=limit)
        for number, line in _numbered(self._lines()):
            kept.append(_read(self._path, number, line))
        return list(kept)

    def last_of(self, act: str) -> AuditEntry | None:
        """The newest act of a kind."""
        found = None
        for number, line in _numbered(self._lines()):
            entry = _read(self._path, number, line)
            found = entry if entry.act == act else found
        return found

    def verify(self) -> Verdict:
        """Follow the chain from the first line to the last.

        Raises:
            IntegrityError: names the first line that was changed, or after which one is missing.
        """
        head, count, torn = NOTHING_BEFORE, 0, 0
        breaks: list[str] = []
        for line in self._lines():
            if torn:
                raise IntegrityError(f"{self._path}, line {count + 1}: it is longer than any act")
            if not line.endswith(b"\n"):
                torn = len(line)
                continue
            count += 1
            entry = _read(self._path, count, line)
            if entry.before != head:
                raise IntegrityError(
                    f"{self._path}, line {count}: it does not follow the line before; one of them "
                    "was changed, moved or taken out",
                    hint="restore the file from a backup, and find out who can write it",
                )
            if entry.act == BROKEN:
                breaks.append(self._break_of(entry))
            head = sha256_hex(line[:-1])
        return Verdict(count, head, torn, tuple(breaks))

    @property
    def _torn_path(self) -> Path:
        return self._path.with_suffix(".torn")

    def _set_aside_if_broken(self) -> AuditEntry | None:
        """Begin a new file if the chain of this one is broken; its first line."""
        try:
            self.verify()
        except IntegrityError as error:
            why = error.message
        else:
            return None
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise storage_error(error, self._path) from error
        now_ms = self._clock.now_ms()
        aside = self._path.with_name(f"{self._path.stem}.broken-{now_ms}-{sha256_hex(data)[:8]}")
        write_atomic(aside, data, mode=0o600)
        details = {"file": aside.name, "sha256": sha256_hex(data), "break": why[:DETAIL_CHARS_MAX]}
        entry = AuditEntry(now_ms, "node", BROKEN, details, NOTHING_BEFORE)
        write_atomic(self._path, msgspec.json.encode(entry) + b"\n", mode=0o600)
        return entry

    def _break_of(self, entry: AuditEntry) -> str:
        """What a line that begins a new file tells of the one before."""
        aside = self._path.parent / Path(entry.details.get("file", "")).name
        said = f"the audit log was damaged: {entry.details.get('break')}; it is kept as {aside}"
        try:
            kept = aside.is_file() and sha256_hex(aside.read_bytes())
        except OSError:
            kept = False
        if not kept:
            return f"{said}, which is no longer there"
        return said if kept == entry.details.get("sha256") else f"{said}, which was changed since"

    def _append(self, handle: int, actor: str, act: str, details: Mapping[str, str]) -> AuditEntry:
        size = os.fstat(handle).st_size
        start = max(0, size - 2 * LINE_BYTES_MAX)
        tail = os.pread(handle, size - start, start)
        whole, newline, torn = tail.rpartition(b"\n")
        last = whole.rpartition(b"\n")[2]
        before = sha256_hex(last) if newline else NOTHING_BEFORE
        kept = {name: value[:DETAIL_CHARS_MAX] for name, value in details.items()}
        if torn:
            # It was never acknowledged: the process was killed, or the power went, as it wrote.
            kept["unfinished_line_bytes"] = str(len(torn))
            self._keep_torn(torn)
            os.ftruncate(handle, size - len(torn))
        entry = AuditEntry(self._clock.now_ms(), actor, act, kept, before)
        _write(handle, msgspec.json.encode(entry) + b"\n", size - len(torn))
        return entry

    def _keep_torn(self, torn: bytes) -> None:
        handle = os.open(self._torn_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, torn + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        self._warn(f"an unfinished last line of {self._path} was moved to {self._torn_path}")

    def _lines(self) -> Generator[bytes]:
        try:
            with self._path.open("rb") as file:
                while line := file.readline(LINE_BYTES_MAX):
                    yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"cannot read {self._path}: {error.strerror}") from error


def _say_nothing(_: str) -> None: ...


def _write(handle: int, data: bytes, at: int) -> None:
    if os.pwrite(handle, data, at) != len(data):
        raise OSError("the line was written in part only")
    os.fsync(handle)


def _numbered(lines: Generator[bytes]) -> Generator[tuple[int, bytes]]:
    """Whole lines with their numbers."""
    for number, line in enumerate(lines, 1):
        if line.endswith(b"\n"):
            yield number, line


def _read(path: Path, number: int, line: bytes) -> AuditEntry:
    try:
        return msgspec.json.decode(line, type=AuditEntry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{path}, line {number}: it is no audit entry: {error}",
            hint="restore the file from a backup, and find out who can write it",
        ) from error
