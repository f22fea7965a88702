"""Files that are whole or absent, and locks between processes."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import platformdirs

from hansa.core.errors import StorageError


def write_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace `path` with `data`, so that a reader or a crash sees the old file or the new one.

    Keeps the permissions of a file that exists, unless `mode` says otherwise; follows a symbolic
    link to the file it names.

    Raises:
        StorageError: the disk is full, read-only, or the folder cannot be written.
    """
    path = path.resolve()
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode is None:
            mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageError:
    """Say what the disk refused, and what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(f"no space left to write {path}", hint="free some space, try again")
    return StorageError(f"cannot write {path}: {error.strerror or error}")


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Generator[None]:
    """Hold a lock between processes; waits. The system frees it if its holder is killed.

    Raises:
        StorageError: the lock's file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise storage_error(error, path) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def user_state_dir() -> Path:
    """Where Hansa keeps state unless told otherwise: `HANSA_STATE_DIR` or the user data folder."""
    named = os.environ.get("HANSA_STATE_DIR")
    return Path(named).expanduser() if named else platformdirs.user_data_path("hansa")


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a loss of power; raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
