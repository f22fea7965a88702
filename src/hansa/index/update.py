"""Taking changes in: what differs is read, and goes in file by file, in transactions of a few."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from hansa.core.digests import sha256_hex
from hansa.index import headings, languages
from hansa.index.chunk import Chunk, chunk
from hansa.index.graph import Graph
from hansa.index.state import IndexedTree
from hansa.index.store import Store
from hansa.index.symbols import symbols
from hansa.index.tree import Tree
from hansa.index.walk import File, Walk

Progress = Callable[[int, int], None]
"""Files looked at, files in all."""

BATCH_FILES = 256
"""Files in one transaction: the most that a kill costs, and that others wait for."""


class Update:
    """One update; hold the index's lock. `counts` then says how many were added and so on."""

    def __init__(self, root: Path, store: Store, progress: Progress) -> None:
        self._walk = Walk(root)
        self._store = store
        self._graph = Graph(store)
        self._indexed = IndexedTree(store)
        self._progress = progress
        self.counts: Counter[str] = Counter()

    def everything(self) -> None:
        """Look at every file of the repository, read those that differ."""
        files = {file.path: file for file in self._walk.files()}
        differs = Tree(files.values()).difference(self._indexed.root(), self._indexed.entries)
        work = [*differs.gone, *differs.files]
        done = len(files) - len(differs.files)
        total = len(files)
        if done:
            self._progress(done, total)
        batches = list(_batches(work))
        for batch in batches:
            with self._store.writing():
                if batch is batches[0]:
                    self._indexed.doubt(differs.folders)
                for path in batch:
                    self._take(path, files.get(path))
                    if path in files:
                        done += 1
                        self._progress(done, total)
                if batch is batches[-1]:
                    self._indexed.settle(differs.folders)

    def some(self, paths: Collection[str]) -> None:
        """Look at these files only, of an index that was up to date but for them."""
        with self._store.writing():
            for done, path in enumerate(paths, start=1):
                self._take(path, self._walk.find(path))
                self._progress(done, len(paths))
            self._indexed.settle_above(paths)

    def skipped(self) -> dict[str, int]:
        """Files left out, by reason, as far as they were looked at."""
        unfit = self._store.run("SELECT unfit, count(*) FROM file WHERE unfit != '' GROUP BY unfit")
        return dict(sorted((self._walk.skipped + Counter(dict(unfit))).items()))

    def _take(self, path: str, file: File | None) -> None:
        """Make the index say of one path what is there now; None if nothing is."""
        before = self._store.file(path)
        if file is None:
            if before:
                self._store.remove(before.id, path)
                self.counts["removed"] += not before.unfit
            return
        if before and (before.mtime_ns, before.size) == (file.mtime_ns, file.size):
            return
        source, unfit = self._walk.read(file)
        digest = sha256_hex(source)
        if before and (before.sha256, before.unfit) == (digest, unfit):
            self._store.touch(before.id, file.mtime_ns, file.size)
            return
        was = before is not None and not before.unfit
        if before:
            self._store.remove(before.id, path)
        file_id = self._store.add_file(file, digest, unfit, "" if unfit else _language(path))
        if unfit:
            self.counts["removed"] += was
            return
        self.counts["changed" if was else "added"] += 1
        self._add(file_id, path, source)

    def _add(self, file_id: int, path: str, source: bytes) -> None:
        language = languages.language_of(path)
        tree = languages.parse(language, source) if language else None
        self._store.add_chunks(file_id, path, _with_text(chunk(path, source, tree), source))
        self._graph.add(file_id, symbols(path, source, tree))


def _batches(work: list[str]) -> Iterator[list[str]]:
    """At least one, so that there is a transaction to settle what differs in."""
    for start in range(0, max(len(work), 1), BATCH_FILES):
        yield work[start : start + BATCH_FILES]


def _language(path: str) -> str:
    return "markdown" if headings.is_markdown(path) else languages.language_of(path) or "text"


def _with_text(chunks: list[Chunk], source: bytes) -> list[tuple[Chunk, str]]:
    lines = source.decode().split("\n")
    cut = [(each, "\n".join(lines[each.start_line - 1 : each.end_line])) for each in chunks]
    return [(each, text) for each, text in cut if text.strip()]
