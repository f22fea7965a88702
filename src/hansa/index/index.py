"""A repository made searchable: bring it up to date, then ask."""

import os
import shlex
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hansa.core.digests import sha256_hex
from hansa.core.errors import NotFound
from hansa.core.files import user_state_dir
from hansa.index import ranking
from hansa.index.bm25 import BestChunks
from hansa.index.graph import Graph
from hansa.index.state import IndexedTree
from hansa.index.store import DamagedIndex, Row, Store
from hansa.index.symbols import load
from hansa.index.tree import Tree
from hansa.index.update import BATCH_FILES, Progress, Update
from hansa.index.walk import IGNORE_FILES, Walk, check_root
from hansa.index.words import query_words
from hansa.wire.requests import Snippet

WEIGHTS = (6.0, 3.0, 1.0)
"""Of a match in a symbol's name, in the path, in the text."""

CANDIDATES_MIN = 100
"""Weighed by more than their words, however few are wanted."""

OVERSAMPLE = 4
DEFINITIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Hit:
    snippet: Snippet
    score: float
    """Higher is better; comparable within one search only."""
    symbol: str
    kind: str = "text"
    """What its symbol is, such as `function` or `heading`; `text` if it has none."""


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
    """Of the index on disk."""
    files: int
    chunks: int
    definitions: int
    references: int
    """Lines that use a name, each name of a line by itself."""
    languages: dict[str, int]
    """Files by language, most first; those of no language we know are `text`."""
    bytes: int
    """What the index takes on disk."""
    checked_s: int
    """When the last update ended, in seconds since 1970; 0 if none did."""
    behind: int
    """Files that were added, changed or removed since."""


class Index:
    """The index of one repository; use it as a context manager."""

    def __init__(self, root: Path, store: Store, path: Path) -> None:
        self.root = root
        self._store = store
        self._chunks = BestChunks(store)
        self._graph = Graph(store)
        self.path = path

    @classmethod
    def open(cls, root: Path, state_dir: Path, *, read_only: bool = False) -> "Index":
        """Open the index of `root` under `state_dir`; a new one is empty until `update`.

        Raises:
            UserError: `root` is no folder.
            NotFound: with `read_only`, it is not indexed.
            StorageError: the index cannot be written, or with `read_only` is damaged.
        """
        root, state_dir = check_root(root), state_dir.resolve()
        path = state_dir / "index" / f"{sha256_hex(os.fsencode(root))[:32]}.db"
        if read_only and not path.is_file():
            where = shlex.quote(str(root))
            if state_dir != user_state_dir().resolve():
                where += f" --state-dir {shlex.quote(str(state_dir))}"
            raise NotFound(f"{root} is not indexed", hint=f"`hansa index {where}` indexes it")
        return cls(root, Store(path, read_only=read_only), path)

    def update(self, progress: Progress | None = None) -> IndexReport:
        """Take in what changed since the last time; another update of the same index waits.

        Raises:
            StorageError: the disk is full or read-only; the index is as it was.
        """
        return self._update(progress or _unseen)

    def refresh(self, paths: Collection[str], progress: Progress | None = None) -> IndexReport:
        """Take in what changed in a few files, named relative to the root, of an index in use.

        Much faster than `update`, which looks at every file; done instead of it where `paths`
        has a folder or an ignore file, or the index is not whole.

        Raises:
            StorageError: as `update`.
        """
        return self._update(progress or _unseen, paths=paths)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best chunks for words or a question; any text is a valid query."""
        terms = query_words(query)
        if not terms or limit < 1:
            return []
        asked, count = ranking.asked_for(terms), max(limit * OVERSAMPLE, CANDIDATES_MIN)
        rows = self._read(lambda: self._chunks.search(terms, WEIGHTS, count))
        hits = sorted((_hit(row, asked) for row in rows), key=lambda hit: -hit.score)
        return hits[:limit]

    def chunks(self) -> Iterator[Hit]:
        """Every chunk there is, in the order of paths and lines; for embedding them."""
        rows = self._store.run(
            "SELECT file.path, start_line, end_line, symbol, text FROM chunk "
            "JOIN file ON file.id = chunk.file ORDER BY file.path, start_line"
        )
        for path, first, last, symbol, text in rows:
            yield Hit(Snippet(path, first, last, text), 0.0, symbol)

    def definitions(self, name: str) -> list[Hit]:
        """Where `name` is defined, as chunks; `method` also finds `Class.method`."""
        return [
            _hit(row)
            for row in self._read(lambda: self._graph.definition_chunks(name, DEFINITIONS_MAX))
        ]

    @property
    def graph(self) -> Graph:
        """Definitions, references and imports by name; raises StorageError if damaged."""
        return self._graph

    @property
    def rebuilt(self) -> bool:
        """Whether what was on disk was damaged, or of another version, and has been made anew."""
        return self._store.rebuilt

    def status(self) -> IndexStatus:
        """What is indexed, and how far it is behind what is on disk; reads no file."""
        indexed = IndexedTree(self._store)
        differs = Tree(Walk(self.root).files()).difference(indexed.root(), indexed.entries)
        languages = self._store.run(
            "SELECT language, count(*) AS files FROM file WHERE unfit = '' "
            "GROUP BY language ORDER BY files DESC, language"
        )
        return IndexStatus(
            str(self.root),
            str(self.path),
            *self._store.counts(),
            references=self._graph.reference_count(),
            languages=dict(languages),
            bytes=sum(each.stat().st_size for each in self.path.parent.glob(f"{self.path.name}*")),
            checked_s=indexed.checked_s(),
            behind=len(differs.files) + len(differs.gone),
        )

    def warm(self) -> None:
        """Load what the languages of this codebase need, so that the next change is quick."""
        for (language,) in self._store.run("SELECT DISTINCT language FROM file"):
            load(language)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _update(
        self, progress: Progress, *, damaged: bool = False, paths: Collection[str] = ()
    ) -> IndexReport:
        began_s = time.monotonic()
        with self._store.locked():
            if damaged:
                self._store.make_anew()
            try:
                update = self._apply(progress, paths)
            except DamagedIndex:
                self._store.make_anew()
                update = self._apply(progress, paths)
            skipped = update.skipped()
        files, chunks, _ = self._store.counts()
        return IndexReport(
            files=files,
            chunks=chunks,
            added=update.counts["added"],
            changed=update.counts["changed"],
            removed=update.counts["removed"],
            skipped=skipped,
            seconds=time.monotonic() - began_s,
            rebuilt=self._store.rebuilt,
        )

    def _apply(self, progress: Progress, paths: Collection[str]) -> Update:
        update = Update(self.root, self._store, progress)
        if paths and IndexedTree(self._store).root() and self._are_files(paths):
            update.some(paths)
        else:
            update.everything()
        return update

    def _are_files(self, paths: Collection[str]) -> bool:
        """Whether nothing but these can have changed: no folder, and no rule about others."""
        return len(paths) <= BATCH_FILES and not any(
            path.rpartition("/")[2] in IGNORE_FILES
            or (self.root / path).is_dir()
            or self._store.run("SELECT 1 FROM folder WHERE path = ?", (f"{path}/",))
            for path in paths
        )

    def _read(self, ask: Callable[[], list[Row]]) -> list[Row]:
        """Ask; if the index turns out to be damaged, make it anew and ask once more."""
        try:
            return ask()
        except DamagedIndex:
            self._update(_unseen, damaged=True)
            return ask()


def _unseen(_done: int, _all: int) -> None:
    pass


def _hit(row: Row, asked: frozenset[str] = frozenset()) -> Hit:
    """What was found, weighed by what BM25 does not see; `asked` are the query's words."""
    lines = row.end_line - row.start_line + 1
    snippet = Snippet(row.path, row.start_line, row.end_line, row.text)
    factor = ranking.factor(row.symbol, row.path, lines, asked)
    return Hit(snippet, row.score * factor, row.symbol, row.kind or "text")
