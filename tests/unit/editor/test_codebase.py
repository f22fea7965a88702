"""Which folder is taken for the codebase of a file."""

from pathlib import Path

import pytest

from hansa.editor.codebase import find_root, relative_name

HOME = Path("/home/nobody")


def file_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.py"
    path.touch()
    return path


@pytest.mark.parametrize("mark", [".git", "pyproject.toml"])
def test_the_nearest_mark_counts(mark: str, tmp_path: Path) -> None:
    path = file_in(tmp_path / "outer" / "inner" / "src")
    (tmp_path / "outer" / ".git").mkdir()
    (tmp_path / "outer" / "inner" / mark).mkdir()
    assert find_root(path, tmp_path, HOME) == tmp_path / "outer" / "inner"


def test_without_a_mark_the_working_folder_counts(tmp_path: Path) -> None:
    path = file_in(tmp_path / "work")
    assert find_root(path, tmp_path, HOME) == tmp_path
    assert find_root(path, tmp_path / "elsewhere", HOME) is None


def test_a_home_or_a_whole_disk_is_no_codebase(tmp_path: Path) -> None:
    path = file_in(tmp_path)
    assert find_root(path, tmp_path, tmp_path) is None
    assert find_root(path, Path("/"), HOME) is None


def test_names_have_forward_slashes(tmp_path: Path) -> None:
    path = file_in(tmp_path / "src")
    assert relative_name(path, tmp_path) == "src/a.py"
    assert relative_name(path, None) == "a.py"
