"""A change is written whole or not at all, and only onto the file it was made for."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.editor.apply import apply, unified_diff
from hansa.editor.document import read_source
from hansa.editor.journal import Journal

OLD, NEW = "x = 1\r\n", "x = 2\r\n"


def test_a_change_is_written_and_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(OLD.encode())
    path.chmod(0o750)
    apply(read_source(path), NEW, Journal(tmp_path / "state"), "edit")
    assert path.read_bytes() == NEW.encode()
    assert path.stat().st_mode & 0o777 == 0o750


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(OLD)
    source = read_source(path)
    path.write_text("theirs = 1\n")
    with pytest.raises(UserError, match="has changed since it was read; nothing was written"):
        apply(source, NEW, Journal(tmp_path / "state"), "edit")
    assert path.read_text() == "theirs = 1\n"


TEXT = st.text("ab\n\r", max_size=30)


@given(TEXT, TEXT)
def test_patch_takes_the_diff(tmp_path_factory: pytest.TempPathFactory, old: str, new: str) -> None:
    diff = unified_diff("a.py", old, new)
    assert bool(diff) == (old != new)
    assert diff == "" or diff.startswith("--- a/a.py\n+++ b/a.py\n@@ ")
    removed = [line[1:] for line in _body(diff) if line[0] in "- "]
    added = [line[1:] for line in _body(diff) if line[0] in "+ "]
    assert _covers(old, removed)
    assert _covers(new, added)


def _body(diff: str) -> list[str]:
    lines = diff.split("\n")[2:-1]
    return [line for line in lines if not line.startswith(("@@", "\\"))]


def _covers(text: str, lines: list[str]) -> bool:
    """The lines of the hunks stand in the text, in order."""
    left = iter(text.split("\n"))
    return all(line in left for line in lines)


def test_git_applies_the_diff_of_a_file_without_a_last_newline(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2")
    diff = unified_diff("a.py", "x = 1\ny = 2", "x = 1\ny = 3")
    subprocess.run(["git", "apply"], cwd=tmp_path, input=diff, text=True, check=True)
    assert (tmp_path / "a.py").read_text() == "x = 1\ny = 3"
