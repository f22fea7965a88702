"""The Merkle tree of what is indexed, on disk, so that the next update finds what changed."""

import time
from collections.abc import Iterable, Mapping

from hansa.index.store import Store
from hansa.index.tree import Entries, digest, leaf, split

_PUT = "INSERT OR REPLACE INTO folder (path, above, digest, checked_s) VALUES (?, ?, ?, ?)"


class IndexedTree:
    """Folders as they were when all in them was taken in; the root's path is empty."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def root(self) -> bytes:
        """The root's digest; empty if the last update did not end."""
        rows = self._store.run("SELECT digest FROM folder WHERE path = ''")
        return rows[0][0] if rows else b""

    def checked_s(self) -> int:
        """When an update last ended, in seconds since 1970; 0 if none did."""
        rows = self._store.run("SELECT checked_s FROM folder WHERE path = ''")
        return rows[0][0] if rows else 0

    def entries(self, folder: str) -> Entries:
        files = self._store.run("SELECT path, mtime_ns, size FROM file WHERE folder = ?", (folder,))
        found = {path[len(folder) :]: leaf(mtime_ns, size) for path, mtime_ns, size in files}
        folders = self._store.run("SELECT path, digest FROM folder WHERE above = ?", (folder,))
        return found | {path[len(folder) :]: each for path, each in folders if path}

    def doubt(self, folders: Iterable[str]) -> None:
        """Before anything in them changes: should the update not end, the next looks there."""
        self._store.run_each(_PUT, [(each, split(each)[0], b"", 0) for each in folders])

    def settle(self, folders: Mapping[str, bytes]) -> None:
        """After all in them was taken in; one without a digest is gone."""
        now_s = int(time.time())
        self._store.run_each(
            _PUT, [(each, split(each)[0], made, now_s) for each, made in folders.items() if made]
        )
        self._store.run_each(
            "DELETE FROM folder WHERE path = ?",
            [(each,) for each, made in folders.items() if not made],
        )
        self._store.run("UPDATE folder SET checked_s = ? WHERE path = ''", (now_s,))

    def settle_above(self, paths: Iterable[str]) -> None:
        """The same for the folders around a few files, from what is on disk about the others."""
        folders: set[str] = set()
        for path in paths:
            folder = split(path)[0]
            while folder not in folders:
                folders.add(folder)
                folder = split(folder)[0]
        for folder in sorted(folders, key=lambda each: -each.count("/")):
            entries = self.entries(folder)
            self.settle({folder: digest(entries) if entries or not folder else b""})
