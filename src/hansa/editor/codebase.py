"""Which codebase a file belongs to, and searching it."""

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path

from hansa.context.candidates import Codebase, Search
from hansa.core.bounds import FILE_BYTES_MAX

MARKS = (".git", "pyproject.toml")
"""What stands at the top of a codebase."""

Progress = Callable[[int, int], None]


def find_root(path: Path, working_dir: Path, home: Path) -> Path | None:
    """The folder of the codebase around `path`: the nearest with a mark, else the working folder.

    A home folder or a whole disk is never taken for a codebase; then there is none.
    """
    path = path.resolve()
    for folder in [path, *path.parents]:
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    working_dir = working_dir.resolve()
    whole = working_dir in {home.resolve(), Path(working_dir.anchor)}
    return working_dir if path.is_relative_to(working_dir) and not whole else None


def relative_name(path: Path, root: Path | None) -> str:
    """`path` below `root`, with forward slashes; its bare name if it is not below."""
    path = path.resolve()
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name


@contextlib.contextmanager
def open_search(root: Path, state_dir: Path, progress: Progress | None = None) -> Generator[Search]:
    """Bring the index of `root` up to date, and search it.

    Raises:
        StorageError: the index cannot be written.
    """
    with open_codebase(root, state_dir, progress) as codebase:
        assert codebase.search
        yield codebase.search


@contextlib.contextmanager
def open_codebase(
    root: Path, state_dir: Path, progress: Progress | None = None
) -> Generator[Codebase]:
    """The same, with its definitions. Raises StorageError."""
    from hansa.index.index import Index

    with Index.open(root, state_dir) as index:
        index.update(progress)
        yield Codebase(index.search, index.definitions)


def line_counts(root: Path) -> Callable[[str], int | None]:
    """How many lines a file below `root` has; None if it is not there or not text."""

    def count(path: str) -> int | None:
        file = (root / path).resolve()
        try:
            if not file.is_relative_to(root.resolve()) or file.stat().st_size > FILE_BYTES_MAX:
                return None
            return max(1, len(file.read_bytes().splitlines()))
        except OSError:
            return None

    return count
