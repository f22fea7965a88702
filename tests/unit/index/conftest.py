"""Small repositories on disk, and an index of one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hansa.index.index import Index

Lay = Callable[[dict[str, str | bytes]], Path]
OpenIndex = Callable[[], Index]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    return root


@pytest.fixture
def lay(repo: Path) -> Lay:
    """Write files into the repository."""

    def write(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return repo

    return write


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def open_index(repo: Path, state: Path) -> Iterator[OpenIndex]:
    """Open the repository's index once more; all are closed at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Index.open(repo, state))
