"""`hansa next` on a repository."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from hansa.cli.next import next_edits

CODE = "def total(prices):\n    return sum(prices)\n\n\nprint(total([1]))\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text(CODE)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True, timeout=30)
    return path


def test_what_follows_from_a_rename(file: Path) -> None:
    assert CliRunner().invoke(next_edits, [str(file)]).exit_code == 1
    file.write_text(CODE.replace("def total", "def price"))
    ran = CliRunner().invoke(next_edits, [str(file), "--json"])
    assert ran.exit_code == 0
    [edit] = json.loads(ran.stdout)
    assert (edit["line"], edit["new"], edit["kind"]) == (5, "print(price([1]))", "rename")


def test_a_file_git_does_not_know(file: Path) -> None:
    other = file.with_name("other.py")
    other.write_text("x = 1\n")
    ran = CliRunner().invoke(next_edits, [str(other)])
    assert ran.exit_code != 0
    assert "other.py" in str(ran.exception) + ran.output
