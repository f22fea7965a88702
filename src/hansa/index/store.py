"""The index on disk: one SQLite file per repository, full-text by BM25.

A file goes in with all that is made of it, in one transaction: whoever is killed leaves an index
that is whole, and lacks only what was not read yet.
"""

import contextlib
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hansa.core.errors import StorageError
from hansa.core.files import exclusive_lock, storage_error
from hansa.index.chunk import Chunk
from hansa.index.tree import split
from hansa.index.walk import File
from hansa.index.words import words

Value = str | int | float | bytes

VERSION = 4
"""Of the tables, the chunks and what `words` makes of a text; any other is made anew."""

BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, folder TEXT NOT NULL,
                   mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
                   unfit TEXT NOT NULL, language TEXT NOT NULL);
CREATE INDEX file_folder ON file(folder);
CREATE TABLE folder (path TEXT PRIMARY KEY, above TEXT NOT NULL, digest BLOB NOT NULL,
                     checked_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX folder_above ON folder(above);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES file(id),
                    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
                    symbol TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX chunk_file ON chunk(file);
CREATE TABLE definition (name TEXT NOT NULL, own TEXT NOT NULL, kind TEXT NOT NULL,
                         file INTEGER NOT NULL REFERENCES file(id), start_line INTEGER NOT NULL,
                         end_line INTEGER NOT NULL, name_line INTEGER NOT NULL);
CREATE INDEX definition_own ON definition(own);
CREATE INDEX definition_file ON definition(file);
CREATE TABLE used (name TEXT NOT NULL, file INTEGER NOT NULL REFERENCES file(id),
                   kind TEXT NOT NULL, lines TEXT NOT NULL,
                   PRIMARY KEY (name, file, kind)) WITHOUT ROWID;
CREATE INDEX used_file ON used(file);
CREATE TABLE imported (file INTEGER NOT NULL REFERENCES file(id), line INTEGER NOT NULL,
                       module TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX imported_file ON imported(file);
CREATE VIRTUAL TABLE search USING fts5(
    symbol, path, text, content='', tokenize="porter unicode61 remove_diacritics 2 tokenchars '_'");
"""


class DamagedIndex(StorageError):
    """The file is there, but no index can be read from it."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was when it was last looked at."""

    id: int
    mtime_ns: int
    size: int
    sha256: str
    unfit: str
    """Why it is not indexed; empty if it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk that matched; a higher score is better."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    text: str
    score: float
    kind: str | None
    """Of the symbol; None for text outside of any."""


class Store:
    """One repository's file. A damaged one is made anew: an index can always be built again."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self.rebuilt = False
        """Whether what was on disk was damaged, or of another version."""
        with _storage_errors(path):
            self._database = self._existing() or self._made()

    def close(self) -> None:
        self._database.close()

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from updating or making this index; waits for its turn."""
        with contextlib.ExitStack() as held:
            with _storage_errors(self._path):
                held.enter_context(exclusive_lock(self._path.with_suffix(".lock")))
            yield

    def make_anew(self) -> None:
        """Throw away what is there. Hold the lock."""
        if self._read_only:
            raise DamagedIndex(f"the index {self._path} is damaged", hint="run `hansa index`")
        with _storage_errors(self._path):
            self._database.close()
            self._database = self._new()

    def file(self, path: str) -> Known | None:
        """A file as it was when it was last looked at, if it was."""
        query = "SELECT id, mtime_ns, size, sha256, unfit FROM file WHERE path = ?"
        return next((Known(*row) for row in self.run(query, (path,))), None)

    def counts(self) -> tuple[int, int, int]:
        """Files, chunks and definitions."""
        return self.run(
            "SELECT (SELECT count(*) FROM file WHERE unfit = ''), "
            "(SELECT count(*) FROM chunk), (SELECT count(*) FROM definition)"
        )[0]  # type: ignore[return-value]  what was just asked for

    def run(self, query: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """What a statement gives.

        Raises:
            StorageError: the disk, or the index itself (DamagedIndex), is at fault.
        """
        with _storage_errors(self._path):
            return self._database.execute(query, values).fetchall()

    def run_each(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """The same for many rows, without an answer."""
        with _storage_errors(self._path):
            self._database.executemany(statement, rows)

    @contextlib.contextmanager
    def writing(self) -> Generator[None]:
        """Everything inside is written, or nothing of it."""
        with _storage_errors(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:  # a kill or a cancel too: nothing half written
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def remove(self, file_id: int, path: str) -> None:
        """Take a file out, with all that was made of it."""
        run = self._database.execute
        chunks = run("SELECT id, symbol, text FROM chunk WHERE file = ?", (file_id,)).fetchall()
        path_words = words(path)
        for rowid, symbol, text in chunks:
            self._search_row("(search, rowid, symbol, path, text) VALUES ('delete', ?, ?, ?, ?)",
                             rowid, symbol, path_words, text)  # fmt: skip
        for table in ("chunk", "definition", "used", "imported"):
            run(f"DELETE FROM {table} WHERE file = ?", (file_id,))  # noqa: S608  names of ours
        run("DELETE FROM file WHERE id = ?", (file_id,))

    def touch(self, file_id: int, mtime_ns: int, size: int) -> None:
        self._database.execute(
            "UPDATE file SET mtime_ns = ?, size = ? WHERE id = ?", (mtime_ns, size, file_id)
        )

    def add_file(self, file: File, sha256: str, unfit: str, language: str) -> int:
        cursor = self._database.execute(
            "INSERT INTO file (path, folder, mtime_ns, size, sha256, unfit, language) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (file.path, split(file.path)[0], file.mtime_ns, file.size, sha256, unfit, language),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def add_chunks(self, file_id: int, path: str, chunks: Iterable[tuple[Chunk, str]]) -> None:
        insert = (
            "INSERT INTO chunk (file, start_line, end_line, symbol, text) VALUES (?, ?, ?, ?, ?)"
        )
        path_words = words(path)
        for each, text in chunks:
            place = (file_id, each.start_line, each.end_line, each.symbol, text)
            rowid = self._database.execute(insert, place).lastrowid
            self._search_row("(rowid, symbol, path, text) VALUES (?, ?, ?, ?)",
                             rowid, each.symbol, path_words, text)  # fmt: skip

    def _search_row(
        self, how: str, rowid: int | None, symbol: str, path_words: str, text: str
    ) -> None:
        """Add or delete; the search table keeps no text, so both need the same words."""
        self._database.execute(
            f"INSERT INTO search {how}",
            (rowid, words(symbol), path_words, words(text)),
        )

    def _existing(self) -> sqlite3.Connection | None:
        """The index on disk if it is whole and of this version."""
        if not self._path.is_file():
            return None
        database = self._open("ro" if self._read_only else "rw")
        try:
            if not self._read_only:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
            if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                database.execute("SELECT count(*) FROM file, definition LIMIT 0").fetchone()
                return database
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                database.close()
                raise
        database.close()
        return None

    def _made(self) -> sqlite3.Connection:
        if self._read_only:
            raise DamagedIndex(f"the index {self._path} is damaged or of another version",
                               hint="run `hansa index`")  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self.locked():
            existing = self._existing()  # Another process may have made it while we waited.
            return existing or self._new()

    def _new(self) -> sqlite3.Connection:
        self.rebuilt = self._path.exists()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open("rwc").close()
        database = self._open("rw")
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        except BaseException:  # whatever it is, the file is let go of
            database.close()
            raise
        return database

    def _open(self, mode: str) -> sqlite3.Connection:
        address = f"{self._path.as_uri()}?mode={mode}"
        return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong, rather than the disk, its permissions or a lock."""
    return type(error) is sqlite3.DatabaseError


@contextlib.contextmanager
def _storage_errors(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error
    except sqlite3.Error as error:
        if _damaged(error):
            raise DamagedIndex(
                f"the index {path} is damaged: {error}", hint="run `hansa index`"
            ) from error
        if "full" in str(error):
            raise StorageError(
                f"no space left to write the index {path}", hint="free some space, try again"
            ) from error
        raise StorageError(
            f"cannot use the index {path}: {error}", hint="check the disk and its permissions"
        ) from error
