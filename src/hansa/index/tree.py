"""A Merkle tree over a repository's files: folders of equal digest hold the same files.

A file's leaf is its size and the time it was changed, so that making the tree reads no file. Where
two trees differ is found by going down from their roots, only into folders that differ.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hansa.index.walk import File

DIGEST_BYTES = 16

Entries = Mapping[str, bytes]
"""What is in a folder: name to leaf or digest; the names of folders end with a slash."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What to do to make the old state the new one."""

    files: list[str] = field(default_factory=list[str])
    """New or changed."""
    gone: list[str] = field(default_factory=list[str])
    folders: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Those that differ, with their new digest; an empty one for what is gone."""


class Tree:
    """Folders by path, which ends with a slash; the root's is empty."""

    def __init__(self, files: Iterable[File]) -> None:
        self._folders: dict[str, dict[str, bytes]] = {"": {}}
        for file in files:
            folder, name = split(file.path)
            self._folders.setdefault(folder, {})[name] = leaf(file.mtime_ns, file.size)
        for folder in list(self._folders):
            self._hang(folder)
        self._digests: dict[str, bytes] = {}
        for folder in sorted(self._folders, key=lambda each: -each.count("/")):
            self._digests[folder] = digest(self._folders[folder])
            if folder:
                above, name = split(folder)
                self._folders[above][name] = self._digests[folder]

    @property
    def root(self) -> bytes:
        """Equal for equal states of the whole repository."""
        return self._digests[""]

    def difference(self, old_root: bytes, old: Callable[[str], Entries]) -> Difference:
        """What changed since another state, whose folders are asked for as far as needed."""
        found = Difference()
        waiting = [] if old_root == self.root else [""]
        while waiting:
            folder = waiting.pop()
            ours, theirs = self._folders.get(folder, {}), old(folder)
            found.folders[folder] = self._digests.get(folder, b"")
            changed = [name for name, each in ours.items() if theirs.get(name) != each]
            gone = [name for name in theirs if name not in ours]
            waiting += [folder + name for name in (*changed, *gone) if name.endswith("/")]
            found.files.extend(folder + name for name in changed if not name.endswith("/"))
            found.gone.extend(folder + name for name in gone if not name.endswith("/"))
        return found

    def _hang(self, folder: str) -> None:
        """Make sure that every folder is in the one above it."""
        while folder:
            above, name = split(folder)
            known = above in self._folders
            self._folders.setdefault(above, {})[name] = b""
            if known:
                return
            folder = above


def leaf(mtime_ns: int, size: int) -> bytes:
    """What stands for a file's content until it is read."""
    return b"%d %d" % (mtime_ns, size)


def digest(entries: Entries) -> bytes:
    """Of a folder, over its entries in the order of their names."""
    made = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name in sorted(entries):
        made.update(b"%b\0%b\0" % (name.encode(), entries[name].hex().encode()))
    return made.digest()


def split(path: str) -> tuple[str, str]:
    """The folder of a file or folder, and its name there; folders keep their slash."""
    cut = path.rstrip("/").rfind("/") + 1
    return path[:cut], path[cut:]
