"""Changes taken in: only what differs is read, by name or by the tree, and killed runs go on."""

import os
import signal
from pathlib import Path

import pytest

from hansa.index.index import Index
from hansa.index.state import IndexedTree
from hansa.index.update import BATCH_FILES
from hansa.index.walk import File, Walk
from unit.index.test_durability import many, start_update

FILES: dict[str, str | bytes] = {
    "a/one.py": "def one(): pass\n",
    "a/two.py": "def two(): pass\n",
    "b/three.py": "def three(): pass\n",
    ".gitignore": "*.log\nmade/\n",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read, in order."""
    seen: list[str] = []
    before = Walk.read

    def note(walk: Walk, file: File) -> tuple[bytes, str]:
        seen.append(file.path)
        return before(walk, file)

    monkeypatch.setattr(Walk, "read", note)
    return seen


@pytest.fixture
def index(lay, open_index) -> Index:
    lay(FILES)
    opened = open_index()
    opened.update()
    return opened


def fresh(repo: Path, tmp_path: Path) -> bytes:
    """The root of an index made from nothing."""
    with Index.open(repo, tmp_path / "fresh") as made:
        made.update()
        return IndexedTree(made._store).root()


def test_one_changed_file_by_name(index, repo, tmp_path, read) -> None:
    (repo / "a/one.py").write_text("def other(): pass\n")
    report = index.refresh(["a/one.py"])
    assert (report.added, report.changed, report.removed, read) == (0, 1, 0, ["a/one.py"])
    assert index.search("other", 1)
    assert not index.definitions("one")
    assert IndexedTree(index._store).root() == fresh(repo, tmp_path)


def test_the_next_update_reads_nothing_again(index, repo, read) -> None:
    (repo / "c/d").mkdir(parents=True)
    (repo / "c/d/four.py").write_text("def four(): pass\n")
    (repo / "b/three.py").unlink()
    report = index.refresh(["c/d/four.py", "b/three.py"])
    assert (report.files, report.added, report.removed) == (4, 1, 1)
    read.clear()
    report = index.update()
    assert (report.added, report.changed, report.removed, read) == (0, 0, 0, [])


@pytest.mark.parametrize("path", ["x.log", "made/x.py", ".env", "node_modules/x.py", "gone.py"])
def test_what_is_left_out_is_so_by_name_too(path: str, index, lay, read) -> None:
    if path != "gone.py":
        lay({path: "def x(): pass\n"})
    report = index.refresh([path])
    assert (report.files, report.added, read) == (4, 0, [])


def test_a_link_is_left_out_by_name_too(index, repo, tmp_path, read) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    (repo / "link.py").symlink_to(tmp_path / "outside.py")
    (repo / "folder").symlink_to(repo / "a")
    assert index.refresh(["link.py"]).added == 0
    assert index.refresh(["folder/one.py"]).added == 0
    assert read == []


def test_a_changed_ignore_file_is_heeded_everywhere(index, repo) -> None:
    (repo / ".gitignore").write_text("a/\n")
    report = index.refresh([".gitignore"])
    assert (report.removed, report.changed) == (2, 1)
    assert not index.search("two", 1)


def test_a_folder_that_is_moved_moves_with_all_in_it(index, repo) -> None:
    (repo / "a").rename(repo / "z")
    index.refresh(["a", "z"])
    assert [each.path for each in index.graph.definitions("one")] == ["z/one.py"]
    assert index.status().behind == 0


def test_a_refresh_of_a_new_index_is_an_update(lay, open_index) -> None:
    lay(FILES)
    assert open_index().refresh(["a/one.py"]).added == 4


def test_switching_there_and_back_costs_what_differs(index, repo, read) -> None:
    for text in ("def switched(): pass\n", "def two(): pass\n"):
        read.clear()
        (repo / "a/two.py").unlink()
        (repo / "a/two.py").write_text(text)
        index.update()
        assert read == ["a/two.py"]
    assert index.definitions("two")


def test_status_counts_what_changed_since(index, repo) -> None:
    assert index.status().behind == 0
    (repo / "a/one.py").write_text("def other(): pass  # longer\n")
    (repo / "a/two.py").unlink()
    (repo / "new.py").write_text("x = 1\n")
    assert index.status().behind == 3
    index.update()
    assert index.status().behind == 0


def test_a_killed_update_is_finished_by_the_next(lay, repo, state, read) -> None:
    count = BATCH_FILES + 200
    lay(many(count, "word"))
    process = start_update(repo, state)
    assert process.stdout is not None
    with process:
        while process.stdout.readline() != f"{BATCH_FILES + 20}\n":
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with Index.open(repo, state) as index:
        assert not index.rebuilt
        done = index.status().files
        assert done >= BATCH_FILES
        assert index.search("word", 1), "what is there can be searched"
        report = index.update()
        assert (report.files, report.added, len(read)) == (count, count - done, count - done)
        assert index.update().added == 0


def test_a_killed_update_is_not_mistaken_for_the_state_before(lay, repo, state) -> None:
    """Files put back with their old times look as if nothing had happened to them."""
    lay(many(BATCH_FILES + 200, "old"))
    times = {path: path.stat().st_mtime_ns for path in repo.iterdir()}
    with Index.open(repo, state) as index:
        index.update()
    lay(many(BATCH_FILES + 200, "new"))
    process = start_update(repo, state)
    assert process.stdout is not None
    with process:
        while process.stdout.readline() != f"{BATCH_FILES + 20}\n":
            assert process.poll() is None
        process.kill()
    lay(many(BATCH_FILES + 200, "old"))
    for path, at_ns in times.items():
        os.utime(path, ns=(at_ns, at_ns))
    with Index.open(repo, state) as index:
        index.update()
        assert not index.search("new", 1)
        assert index.status().behind == 0
