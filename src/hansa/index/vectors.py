"""Vectors of chunks on disk, beside the index; optional, and never in an update's way.

A vector is kept under the digest of what was embedded, so a chunk that did not change keeps its
own, wherever its file goes. Each batch is one transaction: whoever is killed goes on from there.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from hansa.core.errors import StorageError
from hansa.core.files import storage_error
from hansa.index.embedding import Array, Embedder, load_numpy

BATCH = 16
"""Chunks embedded at a time: what is in memory, and what a kill can cost."""

BLOCK_ROWS = 512
"""How many vectors are widened at a time for a search, so that they fit a processor's cache."""

SCALE = 127
"""Of a number from -1 to 1 in eight bits."""

BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS model (name TEXT NOT NULL, dimensions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS vector (digest BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run did: `left` is how many of the chunks it was asked about still have no vector."""

    embedded: int
    left: int


def digest(card: str) -> bytes:
    """The name of a chunk's vector, 16 bytes."""
    return sha256(card.encode()).digest()[:16]


class Vectors:
    """The vectors of one repository, made by one model; use it as a context manager."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        """Open or make `path`; what another model made, or what is damaged, is dropped.

        Raises:
            UserError: numpy is not installed.
            StorageError: the file cannot be made or written.
        """
        self._numpy = load_numpy()
        self._path = path
        self._embedder = embedder
        with _storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = self._open()
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise
                self._drop()
                self._database = self._open()
        self._digests: list[bytes] = []
        self._matrix: Array = None
        self._seen = -1

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Those without a vector, in the order given, each once."""
        with _storage_errors(self._path):
            known = {row[0] for row in self._database.execute("SELECT digest FROM vector")}
        return [each for each in dict.fromkeys(digests) if each not in known]

    def fill(self, cards: Iterable[str], stop: threading.Event | None = None) -> Filled:
        """Embed what has no vector yet, batch by batch, until `stop` is set.

        Raises:
            StorageError: the disk is full; the batches before are kept.
        """
        waiting = {digest(card): card for card in cards}
        todo = sorted(self.missing(waiting), key=lambda each: len(waiting[each]))
        done = 0
        for start in range(0, len(todo), BATCH):
            if stop is not None and stop.is_set():
                break
            batch = todo[start : start + BATCH]
            self._put(batch, self._embedder.embed([waiting[each] for each in batch]))
            done += len(batch)
        return Filled(done, len(todo) - done)

    def keep(self, digests: Collection[bytes]) -> int:
        """Forget all others; says how many were forgotten."""
        with _storage_errors(self._path):
            known = [row[0] for row in self._database.execute("SELECT digest FROM vector")]
            gone = [(each,) for each in known if each not in digests]
            with self._database:
                self._database.executemany("DELETE FROM vector WHERE digest = ?", gone)
        self._seen = -1
        return len(gone)

    def nearest(self, query: str, limit: int) -> list[tuple[bytes, float]]:
        """Digests of the chunks most like `query`, and their cosines, best first."""
        self._load()
        if not self._digests or limit < 1 or not query.strip():
            return []
        np = self._numpy
        asked = self._embedder.embed([query])[0] / SCALE
        scores = np.empty(len(self._digests), np.float32)
        for start in range(0, len(scores), BLOCK_ROWS):
            block = self._matrix[start : start + BLOCK_ROWS].astype(np.float32)
            scores[start : start + BLOCK_ROWS] = block @ asked
        limit = min(limit, len(scores))
        best = np.argpartition(-scores, limit - 1)[:limit]
        return [(self._digests[n], float(scores[n])) for n in best[np.argsort(-scores[best])]]

    def __len__(self) -> int:
        with _storage_errors(self._path):
            return self._database.execute("SELECT count(*) FROM vector").fetchone()[0]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)
        made_by = (self._embedder.name, self._embedder.dimensions)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
            with database:
                if database.execute("SELECT name, dimensions FROM model").fetchall() != [made_by]:
                    database.execute("DELETE FROM vector")
                    database.execute("DELETE FROM model")
                    database.execute("INSERT INTO model VALUES (?, ?)", made_by)
        except BaseException:  # whatever it is, the file is let go of
            database.close()
            raise
        return database

    def _drop(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _put(self, digests: list[bytes], vectors: Array) -> None:
        eight_bits = (vectors * SCALE).round().astype(self._numpy.int8)
        rows = [(each, row.tobytes()) for each, row in zip(digests, eight_bits, strict=True)]
        with _storage_errors(self._path), self._database:
            self._database.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows)
        self._seen = -1

    def _load(self) -> None:
        """Take the vectors into memory, `(n, dimensions) int8`, if anybody has written since."""
        with _storage_errors(self._path):
            version = self._database.execute("PRAGMA data_version").fetchone()[0]
            if version == self._seen:
                return
            rows = self._database.execute("SELECT digest, data FROM vector").fetchall()
        self._digests = [row[0] for row in rows]
        flat = self._numpy.frombuffer(b"".join(row[1] for row in rows), self._numpy.int8)
        self._matrix = flat.reshape(len(rows), self._embedder.dimensions)
        self._seen = version


class Background:
    """One thread that gives chunks their vectors while everything else goes on."""

    def __init__(
        self, open_vectors: Callable[[], Vectors], cards: Callable[[], Iterable[str]]
    ) -> None:
        """Both are called in the thread: a database belongs to the thread that opened it."""
        self._open_vectors = open_vectors
        self._cards = cards
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vectors", daemon=True)
        self.filled: Filled | None = None
        """What was done; None while it runs."""
        self.error: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Stop after the batch in hand; says whether it has stopped."""
        self._stop.set()
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._open_vectors() as vectors:
                self.filled = vectors.fill(self._cards(), self._stop)
        except Exception as error:  # noqa: BLE001 - A thread's door: whoever waits is told.
            self.error = error


@contextlib.contextmanager
def _storage_errors(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"cannot use the vectors {path}: {error}", hint="check the disk and its permissions"
        ) from error
