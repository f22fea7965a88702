"""Words and vectors as one search."""

from pathlib import Path

import pytest

from hansa.index.hybrid import Hybrid, vectors_path
from hansa.index.index import Index

from .test_vectors import Letters

pytest.importorskip("numpy")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text("def total(prices):\n    return sum(prices)\n")
    (folder / "b.py").write_text("def zzz(qqq):\n    return qqq\n")
    return folder


def test_both_rankings_are_asked_and_what_is_gone_is_forgotten(root: Path, tmp_path: Path) -> None:
    with Index.open(root, tmp_path / "state") as index:
        index.update()
        with Hybrid(index, Letters()) as hybrid:
            assert hybrid.fill().embedded == 2
            assert hybrid.fill().embedded == 0
            assert [hit.snippet.path for hit in hybrid.search("total of prices", 1)] == ["a.py"]
            [only] = hybrid.search("zqzq", 1)
            assert only.snippet.path == "b.py", "no word matches, the letters do"
            (root / "b.py").unlink()
            index.update()
            hybrid.fill()
            assert {hit.snippet.path for hit in hybrid.search("zqzq", 5)} == {"a.py"}
        assert vectors_path(index.path).is_file()
