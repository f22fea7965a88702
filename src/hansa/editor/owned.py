"""A SQLite file that only its owner can read, in which what is deleted is overwritten."""

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

from hansa.core.errors import StorageError
from hansa.core.files import storage_error

BUSY_TIMEOUT_S = 5.0


@contextlib.contextmanager
def owned_database(path: Path, schema: str, *, make: bool = False) -> Generator[sqlite3.Connection]:
    """The file opened, with `schema`; each statement is a transaction. `make` makes it first.

    Raises:
        StorageError: it is not there, cannot be used or is damaged.
    """
    try:
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        database = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw", BUSY_TIMEOUT_S, uri=True, isolation_level=None
        )
    except (OSError, sqlite3.Error) as error:
        raise _storage_error(error, path) from error
    with contextlib.closing(database):
        try:
            database.execute("PRAGMA secure_delete = ON")
            database.executescript(schema)
            yield database
        except sqlite3.Error as error:
            raise _storage_error(error, path) from error


def _storage_error(error: OSError | sqlite3.Error, path: Path) -> StorageError:
    if isinstance(error, OSError):
        return storage_error(error, path)
    return StorageError(f"cannot use the events {path}: {error}", hint="delete it if it is damaged")
