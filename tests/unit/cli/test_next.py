"""`hansa next` on a repository."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from hansa.cli.next import next_edits
from hansa.editor.next.elsewhere import renamed

CODE = "def total(prices):\n    return sum(prices)\n\n\nprint(total([1]))\n"


USE = """\
import store.shop
from store.shop import total as _total, total


def show(total_of, other):
    # total is said in a comment
    print(total(total_of), total([]), store.shop.total([2]), other.total())
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    root = tmp_path / "code"
    path = root / "store" / "shop.py"
    path.parent.mkdir(parents=True)
    path.write_text(CODE)
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True, timeout=30)
    return path


def told(*arguments: str) -> list[tuple[str, int, str]]:
    """Path, line and new text of what `hansa next --json` says."""
    ran = CliRunner().invoke(next_edits, [*arguments, "--json"])
    assert ran.exit_code == 0, ran.output
    return [(each["path"], each["line"], each["new"]) for each in json.loads(ran.stdout)]


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


def test_a_file_is_named_as_the_user_named_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(CODE.replace("def total", "def price"))
    root = file.parent.parent
    monkeypatch.chdir(root)
    assert told("store/shop.py") == [("store/shop.py", 5, "print(price([1]))")]
    assert told(str(file)) == [(str(file), 5, "print(price([1]))")]


def test_a_rename_is_followed_into_the_files_that_surely_mean_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = file.parent.parent
    file.write_text(CODE.replace("total", "price"))
    (root / "app.py").write_text(USE.replace("\n", "\r\n"), newline="")
    (root / "has_both.py").write_text("from store.shop import total\nprice = total([])\n")
    (root / "own.py").write_text("def f(total):\n    return total\n")
    (root / "notes.md").write_text("# total\n")
    edits = [
        (2, "from store.shop import price as _total, price"),
        (7, "    print(price(total_of), price([]), store.shop.price([2]), other.total())"),
    ]
    monkeypatch.chdir(root)
    assert told("store/shop.py") == [("app.py", *each) for each in edits]
    monkeypatch.chdir(file.parent)
    assert told("shop.py") == [("../app.py", *each) for each in edits]
    assert told(str(file)) == [(str(root / "app.py"), *each) for each in edits]
    ran = CliRunner().invoke(next_edits, ["shop.py"])
    assert "../app.py:2: total is called price now" in ran.stdout
    assert CliRunner().invoke(next_edits, ["shop.py", "--no-index"]).exit_code == 1


def test_a_name_that_another_file_gives_too_is_not_followed(file: Path) -> None:
    file.write_text(CODE.replace("total", "price"))
    other = file.with_name("shop2.py")
    other.write_text("from store.shop import total\n\n\nprint(total([]))\n")
    assert [line for _, line, _ in told(str(file))] == [1, 4]
    rival = file.parent.parent / "shop.py"
    rival.write_text("def total():\n    pass\n")
    assert CliRunner().invoke(next_edits, [str(file)]).exit_code == 1


def test_a_variable_and_a_method_stay_in_their_file(file: Path) -> None:
    before = "RATE = 1\n\n\nclass Shop:\n    def total(self):\n        return RATE\n"
    found = renamed("shop.py", before, before.replace("RATE", "FEE").replace("total", "price"))
    assert found == []
