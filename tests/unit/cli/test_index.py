"""`hansa index` and `hansa search`, as a person runs them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hansa.cli import index as command
from hansa.index.index import Index

CODE = 'class Table:\n    def draw_table(self):\n        """Draw the table."""\n'


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("HANSA_STATE_DIR", str(folder))
    return folder


def write(path: str | Path, text: str) -> None:
    Path(path).write_text(text)


def exists(path: Path) -> bool:
    return path.exists()


async def test_index_says_what_it_did(run) -> None:
    write("table.py", CODE)
    write("blob.bin", "\0")
    ran = await run("index")
    assert ran.code == 0
    assert ran.out.startswith(f"{Path.cwd()}: 1 files, 1 chunks in ")
    assert ran.out.endswith("(1 new, 0 changed, 0 gone)\nleft out: 1 binary\n")
    assert ran.err == ""
    assert "(0 new, 0 changed, 0 gone)\nleft out: 1 binary" in (await run("index")).out


async def test_index_json(run, tmp_path: Path) -> None:
    write("table.py", CODE)
    other = tmp_path / "other"
    told = json.loads((await run("index", ".", "--json", "--state-dir", str(other))).out)
    assert told.pop("seconds") >= 0
    assert told == {
        "files": 1, "chunks": 1, "added": 1, "changed": 0, "removed": 0, "skipped": {},
        "rebuilt": False,
    }  # fmt: skip
    assert list((other / "index").glob("*.db"))


async def test_nothing_to_index(run) -> None:
    ran = await run("index")
    assert (ran.code, ran.out) == (
        0, f"nothing to index in {Path.cwd()}: no readable source files\n",
    )  # fmt: skip
    write(".env", "PASSWORD=x\n")
    assert (await run("index")).out.endswith("source files (1 may hold a secret)\n")


async def test_a_wrong_folder_is_wrong_use(run, state: Path) -> None:
    for ran in (await run("index", "nowhere"), await run("search", "x", "--path", "nowhere")):
        assert ran.code == 2
        assert "nowhere is no folder" in ran.err
    assert not exists(state)


async def test_a_damaged_index_is_told(run, state: Path) -> None:
    write("table.py", CODE)
    await run("index")
    write(next((state / "index").glob("*.db")), "damage" * 100)
    ran = await run("index")
    assert ran.code == 0
    assert "it was made anew" in ran.err


async def test_search_updates_first_and_shows_places(run) -> None:
    write("table.py", CODE)
    ran = await run("search", "where is the table drawn?")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["table.py:1-3  class Table", "    class Table:"]
    write("grid.py", "def draw_grid(): pass\n")
    assert (await run("search", "grid")).out.startswith("grid.py:1-1  function draw_grid\n")


async def test_search_json(run) -> None:
    write("table.py", CODE)
    told = json.loads((await run("search", "table", "--json", "--limit", "1")).out)
    assert [(hit["symbol"], hit["snippet"]["path"]) for hit in told] == [("Table", "table.py")]


async def test_nothing_found_is_a_no(run) -> None:
    write("table.py", CODE)
    ran = await run("search", "zebra")
    assert (ran.code, ran.out) == (1, "")
    assert "matches 'zebra'" in ran.err
    assert (await run("search", "zebra", "--json")).out == "[]\n"


async def test_a_file_cannot_steer_the_terminal(run) -> None:
    write("a\x1b[2Jb.py", "def evil(): pass  # \x1b]0;title\x07\n")
    ran = await run("search", "evil")
    assert ran.code == 0
    assert "evil" in ran.out
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


@pytest.mark.parametrize(("after_s", "drawn"), [(-1.0, True), (3600.0, False)])
async def test_a_bar_is_drawn_only_when_it_takes_long(
    after_s: float, drawn: bool, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("table.py", CODE)
    monkeypatch.setattr(command, "BAR_AFTER_S", after_s)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    ran = await run("index")
    assert ran.code == 0
    assert ("indexing" in ran.err) is drawn
    assert ran.out.startswith(str(Path.cwd()))


async def test_update_says_nothing_on_stdout(run, state: Path, capsys) -> None:
    write("table.py", CODE)
    with Index.open(Path(), state) as opened:
        assert command.update_with_progress(opened).added == 1
    assert capsys.readouterr() == ("", "")


async def test_status_says_what_is_indexed_and_how_fresh(run) -> None:
    write("table.py", CODE)
    write("notes.md", "# Tables\n")
    await run("index")
    ran = await run("index", "--status")
    assert (ran.code, ran.err) == (0, "")
    lines = {name: rest.strip() for name, _, rest in (
        line.partition(" ") for line in ran.out.splitlines())}  # fmt: skip
    assert lines["root"] == str(Path.cwd())
    assert lines["files"] == "2 (1 markdown, 1 python)"
    assert lines["symbols"] == "3, used on 0 lines"
    assert lines["updated"].endswith("; nothing changed since")
    write("table.py", CODE + "\n")
    assert "; 1 files changed since" in (await run("index", "--status")).out
    told = json.loads((await run("index", "--status", "--json")).out)
    assert (told["behind"], told["languages"]) == (1, {"markdown": 1, "python": 1})


async def test_status_of_a_folder_that_is_not_indexed(run, state: Path, tmp_path: Path) -> None:
    ran = await run("index", "--status")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (f"error: {Path.cwd()} is not indexed\n"
                       f"hint: `hansa index {Path.cwd()}` indexes it\n")  # fmt: skip
    assert not exists(state)
    other = tmp_path / "an other"
    ran = await run("index", "--status", "--state-dir", str(other))
    assert f"`hansa index {Path.cwd()} --state-dir '{other}'` indexes it" in ran.err


async def test_status_of_a_damaged_index_is_no_status_of_none(run, state: Path) -> None:
    await run("index")
    write(next((state / "index").glob("*.db")), "damage" * 100)
    ran = await run("index", "--status")
    assert ran.code == 1
    assert "is damaged or of another version" in ran.err


async def test_status_and_watch_do_not_go_together(run) -> None:
    ran = await run("index", "--status", "--watch")
    assert ran.code == 2
    assert "do not go together" in ran.err


def test_watch_says_what_it_took_in_and_ends_on_sigint(tmp_path: Path, state: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/table.py").write_text(CODE)
    command = [sys.executable, "-m", "hansa.cli", "index", "--watch", "--json",
               str(tmp_path / "code"), "--state-dir", str(state)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["paths"], first["report"]["added"]) == ([], 1)
        (tmp_path / "code/grid.py").write_text("def draw_grid(): pass\n")
        told = json.loads(process.stdout.readline())
        assert (told["paths"], told["report"]["added"]) == (["grid.py"], 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
