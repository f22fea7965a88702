"""Killed, damaged, full, contended: the index is as before, or made anew."""

import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hansa.core.errors import StorageError
from hansa.index import store
from hansa.index.index import Index

UPDATE = """
import sys
from pathlib import Path
from hansa.core.errors import StorageError
from hansa.index.index import Index

with Index.open(Path(sys.argv[1]), Path(sys.argv[2])) as index:
    try:
        index.update(lambda done, total: print(done, flush=True))
    except StorageError as error:
        print("refused", error.message, flush=True)
"""


def start_update(
    repo: Path, state: Path, limit: Callable[[], None] | None = None
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", UPDATE, str(repo), str(state)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=limit,
    )  # fmt: skip


def many(count: int, word: str) -> dict[str, str | bytes]:
    body = "".join(f"def {word}_{n}():\n    return {n}\n\n" for n in range(40))
    return {f"m{n}.py": f"# {n}\n{body}" for n in range(count)}


def database(state: Path) -> Path:
    return next((state / "index").glob("*.db"))


def test_kill_9_in_the_middle_leaves_what_was_there(lay, repo, state) -> None:
    lay({"a.py": "def before(): pass\n"})
    with Index.open(repo, state) as index:
        index.update()
    lay(many(300, "after"))
    process = start_update(repo, state)
    assert process.stdout is not None
    with process:
        while process.stdout.readline() != "50\n":
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with Index.open(repo, state) as index:
        assert not index.rebuilt
        assert index.status().files == 1
        assert index.search("before", 1)
        assert not index.search("after", 1)
        assert index.update().added == 300
        assert index.search("after", 1)


def test_kill_9_in_the_first_update(lay, repo, state) -> None:
    lay(many(300, "word"))
    process = start_update(repo, state)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "1\n"
        process.kill()
    with Index.open(repo, state) as index:
        assert index.status().files == 0
        assert index.update().added == 300


def test_a_full_disk_refuses_and_leaves_what_was_there(lay, repo, state) -> None:
    lay({"a.py": "def before(): pass\n"})
    with Index.open(repo, state) as index:
        index.update()
    lay(many(300, "after"))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    with start_update(repo, state, limit) as process:
        assert process.stdout is not None
        last = process.stdout.readlines()[-1]
    assert last.startswith("refused ")
    assert str(database(state)) in last
    with Index.open(repo, state) as index:
        assert not index.rebuilt
        assert index.search("before", 1)
        assert index.update().added == 300


def test_a_full_disk_is_said_plainly(lay, open_index, monkeypatch) -> None:
    lay({"a.py": "x = 1\n"})
    index = open_index()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store.Store, "add_chunks", full)
    with pytest.raises(StorageError, match="no space left to write the index") as caught:
        index.update()
    assert "free some space" in caught.value.hint
    monkeypatch.undo()
    assert index.update().added == 1


def test_a_state_folder_that_cannot_be_written(lay, repo, tmp_path: Path) -> None:
    lay({"a.py": "x = 1\n"})
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        Index.open(repo, tmp_path / "file" / "state")


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100, b"SQLite format 3\x00"])
def test_a_damaged_index_is_made_anew_and_says_so(damage: bytes, lay, repo, state) -> None:
    lay({"a.py": "def found(): pass\n"})
    with Index.open(repo, state) as index:
        index.update()
    database(state).write_bytes(damage)
    with Index.open(repo, state) as index:
        report = index.update()
        assert report.rebuilt
        assert report.added == 1
        assert index.search("found", 1)
    with Index.open(repo, state) as index:
        assert not index.update().rebuilt


def test_another_version_is_made_anew(lay, repo, state, monkeypatch) -> None:
    lay({"a.py": "def found(): pass\n"})
    with Index.open(repo, state) as index:
        index.update()
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    with pytest.raises(StorageError):
        Index.open(repo, state, read_only=True)
    with Index.open(repo, state) as index:
        assert index.update().rebuilt
        assert index.search("found", 1)


def test_damage_found_while_searching_is_mended(lay, repo, state) -> None:
    lay(many(60, "found"))
    with Index.open(repo, state) as index:
        index.update()
    path = database(state)
    data = path.read_bytes()
    path.write_bytes(data[:40_960] + b"\xa5" * (len(data) - 40_960))
    with (
        pytest.raises(StorageError, match="damaged"),
        Index.open(repo, state, read_only=True) as reader,
    ):
        reader.search("found", 1)
    with Index.open(repo, state) as index:
        assert index.search("found", 1)
        assert index.rebuilt
        assert index.status().files == 60


def test_a_second_update_waits_for_the_first(lay, repo, state) -> None:
    lay(many(20, "word"))
    inside, go_on = threading.Event(), threading.Event()

    def pause(_done: int, _total: int) -> None:
        inside.set()
        assert go_on.wait(30)

    def first() -> None:
        with Index.open(repo, state) as index:
            index.update(pause)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    with start_update(repo, state) as second:
        assert second.poll() is None
        with Index.open(repo, state) as reader:
            assert reader.search("word", 1) == [], "a reader does not wait"
        go_on.set()
        thread.join()
        assert second.stdout is not None
        assert second.stdout.readlines()[-1] == "20\n"
    with Index.open(repo, state) as index:
        report = index.update()
        assert (report.files, report.added) == (20, 0)


def test_many_may_open_a_new_index_at_once(lay, repo, state) -> None:
    lay(many(5, "word"))
    processes = [start_update(repo, state) for _ in range(4)]
    for process in processes:
        out, _ = process.communicate()
        assert (process.returncode, out.splitlines()[-1]) == (0, "5")
    with Index.open(repo, state) as index:
        assert not index.rebuilt
        assert index.status().files == 5
