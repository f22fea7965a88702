"""`hansa apply` and `hansa undo`: shown first, all or nothing, and taken back."""

import io
import json
import sys
from pathlib import Path

import pytest

OLD = "a = 1\nb = 2\n"
BLOCK = "<<<<<<< SEARCH\nb = 2\n=======\nb = 3\n>>>>>>> REPLACE\n"


def read(name: str) -> str:
    return Path(name).read_text()


def put(name: str, text: str, encoding: str = "utf-8") -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding)


def exists(name: str) -> bool:
    return Path(name).exists()


@pytest.fixture(autouse=True)
def code(run, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    put("a.py", OLD)
    put("p", BLOCK)
    return Path("a.py")


async def test_shown_and_not_made(run, code) -> None:
    ran = await run("apply", "a.py", "p")
    assert ran.code == 0
    assert "-b = 2\n+b = 3\n" in ran.out
    assert "nobody to ask; make the change with --yes" in ran.err
    assert code.read_text() == OLD


async def test_made_and_undone(run, code) -> None:
    ran = await run("apply", "a.py", "p", "--yes")
    assert "`hansa undo` takes it back" in ran.err
    assert code.read_text() == "a = 1\nb = 3\n"
    listed = await run("undo", "--list")
    assert "apply p to a.py  (1 file)\n" in listed.out
    undone = await run("undo", "--json")
    assert json.loads(undone.out)["undoes"] == 1
    assert code.read_text() == OLD
    again = await run("undo")
    assert again.code == 2
    assert "Hansa has changed nothing below" in again.err


async def test_undo_after_a_change_of_theirs(run, code) -> None:
    await run("apply", "a.py", "p", "--yes")
    code.write_text("theirs\n")
    ran = await run("undo")
    assert ran.code == 1
    assert "a.py has changed since 'apply p to a.py'; nothing was undone" in ran.err


async def test_from_stdin_as_json(run, code, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a = 9\n")))
    ran = await run("apply", "a.py", "-", "--json", "--yes")
    assert json.loads(ran.out)["applied"] is True
    assert code.read_text() == "a = 9\n"


async def test_several_files_or_none(run, code) -> None:
    put("sub/b.py", "x = 1\n")
    diff = ("--- a/sub/b.py\n+++ b/sub/b.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
            "--- /dev/null\n+++ b/c.py\n@@ -0,0 +1 @@\n+y = 1\n"
            "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n")  # fmt: skip
    put("p", diff)
    code.write_text("a = 1\nb = two\n")
    ran = await run("apply", ".", "p", "--yes")
    assert ran.code == 1
    assert (
        "a.py, hunk 1: it changes 'b = 2', which is not there" in ran.err
        or ("a.py, hunk 1: 'a = 1' and 1 more line is not there") in ran.err
    )
    assert not exists("c.py")
    assert read("sub/b.py") == "x = 1\n"
    code.write_text(OLD)
    ran = await run("apply", "a.py", "p", "--yes")
    assert ran.code == 0, ran.err
    assert read("c.py") == "y = 1\n"
    assert read("sub/b.py") == "x = 2\n"
    await run("undo")
    assert not exists("c.py")
    assert code.read_text() == OLD


async def test_what_does_not_fit_is_named_in_every_file_and_none_is_written(run, code) -> None:
    put("b.py", OLD)
    put("c.py", OLD)
    lost = BLOCK.replace("b = 2", "z = 1")
    put("p", f"a.py\n{BLOCK}b.py\n{lost}{BLOCK}{lost}c.py\n{lost}")
    ran = await run("apply", ".", "p", "--yes")
    assert ran.code == 1
    assert ran.err.splitlines()[0].endswith("3 parts of the patch do not fit:")
    places = [line.split(":")[0].strip() for line in ran.err.splitlines()[1:4]]
    assert places == ["b.py, hunk 1", "b.py, hunk 3", "c.py, hunk 1"]
    assert {read(name) for name in ("a.py", "b.py", "c.py")} == {OLD}


async def test_a_change_that_breaks_the_file_is_noted(run, code) -> None:
    put("p", BLOCK.replace("b = 3", "b = ("))
    ran = await run("apply", "a.py", "p")
    assert "note: a.py parses now and would not after this" in ran.err


@pytest.mark.parametrize(
    ("name", "patch", "exits", "says"),
    [
        ("none.py", BLOCK, 2, "there is no file none.py"),
        ("a.py", BLOCK.replace("b = 2", "z"), 1, "a.py, hunk 1: 'z' is not there"),
        ("a.py", f"../x.py\n{BLOCK}", 2, "the patch is for ../x.py, not for a.py"),
        (".", f"../x.py\n{BLOCK}", 2, "the patch names ../x.py, which is not below"),
        (".", f"/etc/x\n{BLOCK}", 2, "the patch names /etc/x, which is not below"),
        (".", f".git/config\n{BLOCK}", 2, "what is in .git is not changed"),
        (".", BLOCK, 2, "is a folder, and the patch names no file"),
        ("a.py", f"a.py\n{BLOCK}b.py\n{BLOCK}", 2, "there is no file"),
        ("a.py", OLD, 1, "a.py is already as the patch says"),
        ("a.py", "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+y\n", 1, "is there already"),
        ("a.py", "--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a = 1\n", 1, "has more text than"),
        ("latin.py", "x = 1\n", 2, "latin.py is not UTF-8"),
    ],
)
async def test_refused(name, patch, exits, says, run) -> None:
    put("latin.py", "# caf\xe9\n", "latin-1")
    put("p", patch)
    ran = await run("apply", name, "p", "--yes")
    assert (ran.code, says in ran.err) == (exits, True), ran.err
    assert read("a.py") == OLD
