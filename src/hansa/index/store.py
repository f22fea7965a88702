"""The index on disk: one SQLite file per repository, full-text by BM25.

An update is one transaction: whoever is killed leaves the index as it was before.
"""

import contextlib
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hansa.core.errors import HansaError, StorageError
from hansa.index.chunk import Chunk
from hansa.index.languages import Symbol
from hansa.index.words import words

VERSION = 1
BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, mtime_ns INTEGER NOT NULL,
                   size INTEGER NOT NULL, sha256 TEXT NOT NULL, indexed INTEGER NOT NULL);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES file(id),
                    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
                    symbol TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX chunk_file ON chunk(file);
CREATE TABLE definition (name TEXT NOT NULL, file INTEGER NOT NULL REFERENCES file(id),
                         start_line INTEGER NOT NULL, end_line INTEGER NOT NULL);
CREATE INDEX definition_name ON definition(name);
CREATE INDEX definition_file ON definition(file);
CREATE VIRTUAL TABLE search USING fts5(symbol, path, text,
                                       tokenize="unicode61 remove_diacritics 2");
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was when it was last looked at."""

    id: int
    mtime_ns: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk that matched; a higher score is better."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    text: str
    score: float


class Store:
    """One repository's file. Damaged ones are made anew: an index can always be built again."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self.rebuilt = False
        with _storage_errors(path):
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._connect(read_only=read_only)

    def close(self) -> None:
        self._database.close()

    def files(self) -> dict[str, Known]:
        rows = self._database.execute("SELECT path, id, mtime_ns, size, sha256 FROM file")
        return {path: Known(*rest) for path, *rest in rows}

    def counts(self) -> tuple[int, int, int]:
        """Files, chunks and definitions."""
        row = self._database.execute(
            "SELECT (SELECT count(*) FROM file WHERE indexed), (SELECT count(*) FROM chunk), "
            "(SELECT count(*) FROM definition)"
        ).fetchone()
        return (row[0], row[1], row[2])

    @contextlib.contextmanager
    def writing(self) -> Generator[None]:
        """Everything inside is written, or nothing of it."""
        with _storage_errors(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def remove(self, file_id: int) -> None:
        run = self._database.execute
        run("DELETE FROM search WHERE rowid IN (SELECT id FROM chunk WHERE file = ?)", (file_id,))
        for table, column in (("chunk", "file"), ("definition", "file"), ("file", "id")):
            run(f"DELETE FROM {table} WHERE {column} = ?", (file_id,))  # noqa: S608  fixed names

    def touch(self, file_id: int, mtime_ns: int, size: int) -> None:
        self._database.execute(
            "UPDATE file SET mtime_ns = ?, size = ? WHERE id = ?", (mtime_ns, size, file_id)
        )

    def add_file(self, path: str, mtime_ns: int, size: int, sha256: str, *, indexed: bool) -> int:
        cursor = self._database.execute(
            "INSERT INTO file (path, mtime_ns, size, sha256, indexed) VALUES (?, ?, ?, ?, ?)",
            (path, mtime_ns, size, sha256, indexed),
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
            self._database.execute(
                "INSERT INTO search (rowid, symbol, path, text) VALUES (?, ?, ?, ?)",
                (rowid, words(each.symbol), path_words, words(text)),
            )

    def add_definitions(self, file_id: int, symbols: Sequence[Symbol]) -> None:
        self._database.executemany(
            "INSERT INTO definition (name, file, start_line, end_line) VALUES (?, ?, ?, ?)",
            [(each.name, file_id, each.start_line, each.end_line) for each in symbols],
        )

    def search(self, match: str, weights: tuple[float, float, float], limit: int) -> list[Row]:
        """Chunks that match an FTS5 expression; `weights` are of symbol, path and text."""
        rows = self._database.execute(
            "SELECT file.path, chunk.start_line, chunk.end_line, chunk.symbol, chunk.text, "
            "-bm25(search, ?, ?, ?) AS score FROM search JOIN chunk ON chunk.id = search.rowid "
            "JOIN file ON file.id = chunk.file WHERE search MATCH ? "
            "ORDER BY score DESC, file.path, chunk.start_line LIMIT ?",
            (*weights, match, limit),
        )
        return [Row(*row) for row in rows]

    def definitions(self, name: str, limit: int) -> list[Row]:
        """Chunks in which definitions called `name`, or `Something.name`, begin."""
        rows = self._database.execute(
            "SELECT file.path, chunk.start_line, chunk.end_line, definition.name, chunk.text, 1.0 "
            "FROM definition JOIN file ON file.id = definition.file JOIN chunk ON "
            "chunk.file = file.id AND definition.start_line BETWEEN chunk.start_line AND "
            "chunk.end_line WHERE definition.name = ? OR definition.name LIKE ? ESCAPE '\\' "
            "ORDER BY file.path, definition.start_line LIMIT ?",
            (name, "%." + _literal(name), limit),
        )
        return [Row(*row) for row in rows]

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        database = self._open(read_only=read_only)
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version == VERSION:
                database.execute("SELECT count(*) FROM file").fetchone()
                return database
            if version == 0 and not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
                if not read_only:
                    _create(database)
                return database
        except sqlite3.DatabaseError as error:
            if read_only or isinstance(error, sqlite3.OperationalError):
                database.close()
                raise
        database.close()
        return self._rebuild()

    def _rebuild(self) -> sqlite3.Connection:
        """Damaged, or by another version of Hansa."""
        self.rebuilt = True
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        database = self._open(read_only=False)
        _create(database)
        return database

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        address = f"{self._path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
        database = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        with contextlib.suppress(sqlite3.DatabaseError):
            if not read_only:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
        return database


def _create(database: sqlite3.Connection) -> None:
    database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")


def _literal(name: str) -> str:
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@contextlib.contextmanager
def _storage_errors(path: Path) -> Generator[None]:
    try:
        yield
    except HansaError:
        raise
    except (sqlite3.Error, OSError) as error:
        full = "full" in str(error) or getattr(error, "errno", None) == 28
        what = "no space left to write" if full else "cannot write"
        hint = "free some space, try again" if full else ""
        reason = "" if full else f": {error}"
        raise StorageError(f"{what} the index {path}{reason}", hint=hint) from error
