"""Changes to files: all of one or none, also when killed, and each can be taken back.

A change is written in five steps: the old and the new bytes into a folder of their own under the
state directory; its record, which says `writing`; temporary files beside the targets; the renames;
the record again, which says `done`. Whoever opens the journal next finishes a change whose renames
had begun, and drops one whose renames had not.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import Conflict, NotFound, StorageError, UserError
from hansa.core.files import exclusive_lock, storage_error, sync_folder, write_atomic

HISTORY_MAX = 50
"""Changes kept for `hansa undo`."""

HISTORY_BYTES_MAX = 64 * 1024 * 1024
FILES_MAX = 500
"""Of one change."""

ABSENT = ""
"""Instead of a digest, where there is no file."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file's bytes before and after; None where there is no file."""

    path: Path
    old: bytes | None
    new: bytes | None
    mode: int = 0o644
    """Of a file that is created; one that exists keeps its own."""


class Touched(msgspec.Struct, frozen=True):
    path: str
    """With symbolic links followed."""
    old: str
    """Digest of the bytes before, empty if there was no file."""
    new: str
    mode: int


class Record(msgspec.Struct, frozen=True):
    """What is kept of a change, beside the bytes."""

    number: int
    what: str
    """In words, for the person who looks for it."""
    root: str
    at_s: int
    """In seconds since 1970."""
    files: tuple[Touched, ...]
    undoes: int | None = None
    done: bool = False


class Journal:
    """The changes made on this machine; one is written at a time."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "changes"

    def write(self, what: str, root: Path, changes: Sequence[Change]) -> Record:
        """Make all changes, or none.

        Raises:
            UserError: a file is not as the change expects it, or there are too many.
            StorageError: the disk refused; every file is as it was.
        """
        with self._locked():
            return self._write(what, root, changes)

    def undo(self, root: Path) -> Record:
        """Take back the last change below `root` that is not yet taken back.

        Raises:
            NotFound: there is none.
            Conflict: a file has changed since, or its old bytes are damaged.
            StorageError: the disk refused; every file is as it was.
        """
        with self._locked():
            last = next((each for each in self._undoable(root)), None)
            if last is None:
                raise NotFound(f"Hansa has changed nothing below {root} that can be undone")
            changes: list[Change] = []
            for i, each in enumerate(last.files):
                now = _read(Path(each.path))
                if _digest(now) != each.new:
                    raise Conflict(f"{each.path} has changed since {last.what!r}; nothing was "
                                   "undone", hint="put it back, or undo by hand: the old text is "
                                   f"in {self._blob(last, i, 'old')}")  # fmt: skip
                changes.append(Change(Path(each.path), now, self._old(last, i), each.mode))
            return self._write(f"undo {last.what}", root, changes, undoes=last.number)

    def undoable(self, root: Path) -> list[Record]:
        """The changes below `root` that `undo` would take back, the next one first."""
        with self._locked():
            return self._undoable(root)

    def recover(self) -> list[Record]:
        """Finish or drop what a killed process left; returns the changes it found so."""
        with self._locked(recover=False):
            return self._recover()

    @contextlib.contextmanager
    def _locked(self, *, recover: bool = True):
        with exclusive_lock(self._folder / "lock"):
            if recover:
                self._recover()
            yield

    def _undoable(self, root: Path) -> list[Record]:
        records = [each for each in self._records() if each.done]
        undone = {each.undoes for each in records}
        return [
            each
            for each in reversed(records)
            if each.undoes is None
            and each.number not in undone
            and all(Path(file.path).is_relative_to(root.resolve()) for file in each.files)
        ]

    def _write(
        self, what: str, root: Path, changes: Sequence[Change], undoes: int | None = None
    ) -> Record:
        if not 0 < len(changes) <= FILES_MAX:
            raise UserError(f"{len(changes)} files would change; it must be 1 to {FILES_MAX}")
        files = [_touched(each) for each in changes]
        for change, file in zip(changes, files, strict=True):
            if _digest(_read(Path(file.path))) != file.old:
                raise UserError(
                    f"{change.path} has changed since it was read; nothing was written",
                    hint="run the command again",
                )
        number = max((each.number for each in self._records()), default=0) + 1
        record = Record(number, what, str(root), int(time.time()), tuple(files), undoes)
        self._prepare(record, changes)
        try:
            self._renames(record)
        except OSError as error:
            self._put_back(record)
            raise storage_error(error, Path(files[0].path)) from error
        done = msgspec.structs.replace(record, done=True)
        self._save(done)
        self._prune()
        return done

    def _prepare(self, record: Record, changes: Sequence[Change]) -> None:
        """Both sides of every file are on disk before the record says that they are to change."""
        folder = self._home(record)
        try:
            # One that was killed before its record was written has left its number free.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, mode=0o700)
            for i, each in enumerate(changes):
                for side, data in (("old", each.old), ("new", each.new)):
                    if data is not None:
                        _write_new(self._blob(record, i, side), data, 0o600)
            self._save(record)
            sync_folder(self._folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise storage_error(error, folder) from error

    def _renames(self, record: Record) -> None:
        for i, each in enumerate(record.files):
            if each.new:
                path = _temporary(record, each)
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_new(path, self._blob(record, i, "new").read_bytes(), each.mode)
        for each in record.files:
            if each.new:
                _temporary(record, each).replace(each.path)
            else:
                Path(each.path).unlink()
        for folder in {Path(each.path).parent for each in record.files}:
            sync_folder(folder)

    def _put_back(self, record: Record) -> list[str]:
        """Undo the renames that were made; returns the files that somebody else has changed."""
        theirs: list[str] = []
        for i, each in enumerate(record.files):
            path = Path(each.path)
            now = _digest(_read(path))
            if now == each.new != each.old:
                _restore(path, self._old(record, i), each.mode)
            elif now != each.old:
                theirs.append(each.path)
            _temporary(record, each).unlink(missing_ok=True)
        shutil.rmtree(self._home(record), ignore_errors=True)
        return theirs

    def _recover(self) -> list[Record]:
        found = [each for each in self._records() if not each.done]
        for record in found:
            now = [_digest(_read(Path(each.path))) for each in record.files]
            sides = list(zip(now, record.files, strict=True))
            begun = any(digest == each.new != each.old for digest, each in sides)
            if not begun or any(digest not in {each.old, each.new} for digest, each in sides):
                self._put_back(record)
                continue
            for i, (digest, each) in enumerate(sides):
                if digest != each.new:
                    new = self._blob(record, i, "new").read_bytes() if each.new else None
                    _restore(Path(each.path), new, each.mode)
                _temporary(record, each).unlink(missing_ok=True)
            self._save(msgspec.structs.replace(record, done=True))
        return found

    def _records(self) -> list[Record]:
        """All records, oldest first; one that cannot be read is of no use and left out."""
        found: list[Record] = []
        for path in self._folder.glob("*/record.json"):
            with contextlib.suppress(msgspec.MsgspecError, OSError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Record))
        return sorted(found, key=lambda each: each.number)

    def _save(self, record: Record) -> None:
        write_atomic(self._home(record) / "record.json", msgspec.json.encode(record), mode=0o600)

    def _prune(self) -> None:
        kept_bytes = 0
        for age, record in enumerate(reversed(self._records())):
            home = self._home(record)
            kept_bytes += sum(each.stat().st_size for each in home.iterdir())
            if age >= HISTORY_MAX or (age and kept_bytes > HISTORY_BYTES_MAX):
                shutil.rmtree(home, ignore_errors=True)

    def _old(self, record: Record, i: int) -> bytes | None:
        each = record.files[i]
        if not each.old:
            return None
        data = _read(self._blob(record, i, "old"))
        if _digest(data) != each.old:
            raise Conflict(f"the old bytes of {each.path} in {self._home(record)} are damaged")
        return data

    def _home(self, record: Record) -> Path:
        return self._folder / f"{record.number:08d}"

    def _blob(self, record: Record, i: int, side: str) -> Path:
        return self._home(record) / f"{i:04d}.{side}"


def _touched(change: Change) -> Touched:
    path = change.path.resolve()
    mode = path.stat().st_mode & 0o7777 if path.exists() else change.mode
    return Touched(str(path), _digest(change.old), _digest(change.new), mode)


def _digest(data: bytes | None) -> str:
    return ABSENT if data is None else sha256_hex(data)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error


def _restore(path: Path, data: bytes | None, mode: int) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_atomic(path, data, mode=mode)


def _temporary(record: Record, file: Touched) -> Path:
    """Beside the file; its name is known, so that the next run finds what a killed one left."""
    path = Path(file.path)
    return path.with_name(f".hansa-{record.number}-{sha256_hex(path.name.encode())[:16]}")


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
