"""A repository made searchable: bring it up to date, then ask."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hansa.core.digests import sha256_hex
from hansa.index import languages
from hansa.index.chunk import Chunk, chunk
from hansa.index.store import DamagedIndex, Known, Row, Store
from hansa.index.walk import File, Walk, check_root
from hansa.index.words import query_words
from hansa.wire.requests import Snippet

Progress = Callable[[int, int], None]
"""Files looked at, files in all."""

WEIGHTS = (6.0, 3.0, 1.0)
"""Of a match in a symbol's name, in the path, in the text."""

TEST_FACTOR = 0.7
"""What a match in a test is worth beside one in the source."""

SHORT_LINES = 8
SHORT_FACTOR = 0.5
"""What a match in a single line is worth; BM25 alone prefers the shortest chunks."""

OVERSAMPLE = 4
DEFINITIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Hit:
    snippet: Snippet
    score: float
    """Higher is better; comparable within one search only."""
    symbol: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update found and did."""

    files: int
    chunks: int
    added: int
    changed: int
    removed: int
    skipped: dict[str, int]
    """Files left out, by reason."""
    seconds: float
    rebuilt: bool
    """Whether the index on disk was damaged, or of another version, and made anew."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    root: str
    path: str
    files: int
    chunks: int
    definitions: int


class Index:
    """The index of one repository; use it as a context manager."""

    def __init__(self, root: Path, store: Store, path: Path) -> None:
        self.root = root
        self._store = store
        self._path = path

    @classmethod
    def open(cls, root: Path, state_dir: Path, *, read_only: bool = False) -> "Index":
        """Open the index of `root` under `state_dir`; a new one is empty until `update`.

        Raises:
            UserError: `root` is no folder.
            StorageError: the index cannot be written, or with `read_only` is not there.
        """
        root = check_root(root)
        path = state_dir.resolve() / "index" / f"{sha256_hex(os.fsencode(root))[:32]}.db"
        return cls(root, Store(path, read_only=read_only), path)

    def update(self, progress: Progress | None = None) -> IndexReport:
        """Take in what changed since the last time; another update of the same index waits.

        Raises:
            StorageError: the disk is full or read-only; the index is as it was.
        """
        return self._update(progress or (lambda _done, _all: None), damaged=False)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best chunks for words or a question; any text is a valid query."""
        terms = query_words(query)
        if not terms or limit < 1:
            return []
        match = " OR ".join(f'"{term}"' for term in terms)
        rows = self._read(lambda: self._store.search(match, WEIGHTS, limit * OVERSAMPLE))
        hits = sorted((_hit(row) for row in rows), key=lambda hit: -hit.score)
        return hits[:limit]

    def definitions(self, name: str) -> list[Hit]:
        """Where `name` is defined; `method` also finds `Class.method`."""
        return [
            _hit(row) for row in self._read(lambda: self._store.definitions(name, DEFINITIONS_MAX))
        ]

    @property
    def rebuilt(self) -> bool:
        """Whether what was on disk was damaged, or of another version, and has been made anew."""
        return self._store.rebuilt

    def status(self) -> IndexStatus:
        return IndexStatus(str(self.root), str(self._path), *self._store.counts())

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _update(self, progress: Progress, *, damaged: bool) -> IndexReport:
        began_s = time.monotonic()
        with self._store.locked():
            if damaged:
                self._store.make_anew()
            try:
                walk, counts = self._apply(progress)
            except DamagedIndex:
                self._store.make_anew()
                walk, counts = self._apply(progress)
        files, chunks, _ = self._store.counts()
        return IndexReport(
            files=files,
            chunks=chunks,
            added=counts["added"],
            changed=counts["changed"],
            removed=counts["removed"],
            skipped=dict(sorted(walk.skipped.items())),
            seconds=time.monotonic() - began_s,
            rebuilt=self._store.rebuilt,
        )

    def _read(self, ask: Callable[[], list[Row]]) -> list[Row]:
        """Ask; if the index turns out to be damaged, make it anew and ask once more."""
        try:
            return ask()
        except DamagedIndex:
            self._update(lambda _done, _all: None, damaged=True)
            return ask()

    def _apply(self, progress: Progress) -> tuple[Walk, Counter[str]]:
        walk, counts = Walk(self.root), Counter[str]()
        files = list(walk.files())
        with self._store.writing():
            known = self._store.files()
            for done, file in enumerate(files, start=1):
                before = known.pop(file.path, None)
                if before and (before.mtime_ns, before.size) == (file.mtime_ns, file.size):
                    unfit = before.unfit
                else:
                    unfit = self._take(walk, file, before, counts)
                if unfit:
                    walk.skipped[unfit] += 1
                progress(done, len(files))
            for path, gone in known.items():
                self._store.remove(gone.id, path)
                counts["removed"] += not gone.unfit
        return walk, counts

    def _take(self, walk: Walk, file: File, before: Known | None, counts: Counter[str]) -> str:
        """Index one new or changed file; says why not, if it is unfit."""
        source, unfit = walk.read(file)
        digest = sha256_hex(source)
        if before and (before.sha256, before.unfit) == (digest, unfit):
            self._store.touch(before.id, file.mtime_ns, file.size)
            return unfit
        was = before is not None and not before.unfit
        if before:
            self._store.remove(before.id, file.path)
        file_id = self._store.add_file(file.path, file.mtime_ns, file.size, digest, unfit)
        if unfit:
            counts["removed"] += was
            return unfit
        counts["changed" if was else "added"] += 1
        language = languages.language_of(file.path)
        tree = languages.parse(language, source) if language else None
        chunks = _with_text(chunk(file.path, source, tree), source)
        self._store.add_chunks(file_id, file.path, chunks)
        self._store.add_definitions(file_id, languages.outline(file.path, source, tree))
        return ""


def _with_text(chunks: list[Chunk], source: bytes) -> list[tuple[Chunk, str]]:
    lines = source.decode().split("\n")
    cut = [(each, "\n".join(lines[each.start_line - 1 : each.end_line])) for each in chunks]
    return [(each, text) for each, text in cut if text.strip()]


def _hit(row: Row) -> Hit:
    lines = min(row.end_line - row.start_line + 1, SHORT_LINES)
    factor = SHORT_FACTOR + (1 - SHORT_FACTOR) * lines / SHORT_LINES
    if _is_test(row.path):
        factor *= TEST_FACTOR
    snippet = Snippet(row.path, row.start_line, row.end_line, row.text)
    return Hit(snippet, row.score * factor, row.symbol)


def _is_test(path: str) -> bool:
    *folders, name = path.lower().split("/")
    return "tests" in folders or "test" in folders or name.startswith("test_")
