"""A set of changes is made whole or not at all, outlives a kill, and can be taken back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.core.errors import Conflict, NotFound, StorageError, UserError
from hansa.editor.journal import HISTORY_MAX, Change, Journal
from support.repository import ROOT

FILES = 40


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def changes(folder: Path, old: bytes = b"old\n", new: bytes = b"new\n") -> list[Change]:
    return [Change(folder / f"{i}.txt", old, new) for i in range(3)]


def put(folder: Path, data: bytes = b"old\n") -> None:
    for i in range(3):
        (folder / f"{i}.txt").write_bytes(data)


def texts(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_write_then_undo(code: Path, journal: Journal) -> None:
    put(code)
    (code / "0.txt").chmod(0o751)
    journal.write("three", code, changes(code))
    assert texts(code) == [b"new\n"] * 3
    assert (code / "0.txt").stat().st_mode & 0o777 == 0o751
    assert journal.undo(code).what == "undo three"
    assert texts(code) == [b"old\n"] * 3
    assert (code / "0.txt").stat().st_mode & 0o777 == 0o751
    with pytest.raises(NotFound, match="changed nothing below"):
        journal.undo(code)


def test_files_come_and_go_and_come_back(code: Path, journal: Journal) -> None:
    (code / "gone.sh").write_bytes(b"x")
    (code / "gone.sh").chmod(0o755)
    journal.write("move", code, [Change(code / "gone.sh", b"x", None),
                                 Change(code / "a" / "new.sh", None, b"y", 0o755)])  # fmt: skip
    assert not (code / "gone.sh").exists()
    assert (code / "a" / "new.sh").stat().st_mode & 0o777 == 0o755
    journal.undo(code)
    assert (code / "gone.sh").read_bytes() == b"x"
    assert (code / "gone.sh").stat().st_mode & 0o777 == 0o755
    assert not (code / "a" / "new.sh").exists()


def test_undo_goes_back_one_by_one_and_only_below_the_root(code: Path, journal: Journal) -> None:
    a, b = code / "a", code / "b"
    a.mkdir(), b.mkdir()
    for folder, old, new in ((a, None, b"1"), (b, None, b"2"), (a, b"1", b"3")):
        journal.write(f"to {new.decode()}", code, [Change(folder / "f", old, new)])
    assert [each.what for each in journal.undoable(code)] == ["to 3", "to 2", "to 1"]
    assert [each.what for each in journal.undoable(a)] == ["to 3", "to 1"]
    journal.undo(a)
    assert (a / "f").read_bytes() == b"1"
    journal.undo(a)
    assert not (a / "f").exists()
    assert (b / "f").read_bytes() == b"2"


def test_undo_is_refused_if_the_file_changed_since(code: Path, journal: Journal) -> None:
    put(code)
    journal.write("three", code, changes(code))
    (code / "1.txt").write_bytes(b"theirs\n")
    with pytest.raises(Conflict, match=r"1\.txt has changed since 'three'; nothing was undone"):
        journal.undo(code)
    assert texts(code) == [b"new\n", b"theirs\n", b"new\n"]


def test_a_file_that_is_not_as_expected_stops_all(code: Path, journal: Journal) -> None:
    put(code)
    (code / "2.txt").write_bytes(b"theirs\n")
    with pytest.raises(UserError, match=r"2\.txt has changed since it was read"):
        journal.write("three", code, changes(code))
    assert texts(code) == [b"old\n", b"old\n", b"theirs\n"]


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_disk_that_refuses_in_the_middle_leaves_all_as_it_was(
    fails_at: int, code: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(code)
    replace, count = Path.replace, 0

    def refuse(self: Path, target: Path | str) -> Path:
        nonlocal count
        if self.name.startswith(".hansa-"):
            count += 1
            if count == fails_at:
                raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError, match="no space left"):
        journal.write("three", code, changes(code))
    assert texts(code) == [b"old\n"] * 3
    assert journal.undoable(code) == []


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_change_cut_off_is_finished_or_dropped(
    dies_at: int, code: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process leaves is what is there when the next step never comes."""
    put(code)
    replace, count = Path.replace, 0

    def die(self: Path, target: Path | str) -> Path:
        nonlocal count
        if self.name.startswith(".hansa-"):
            count += 1
            if count == dies_at:
                raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            journal.write("three", code, changes(code))
    assert len(texts(code)) > 3
    assert [each.what for each in journal.recover()] == ["three"]
    assert texts(code) == ([b"old\n"] if dies_at == 1 else [b"new\n"]) * 3
    assert len(journal.undoable(code)) == (dies_at > 1)
    assert journal.recover() == []


def test_a_file_changed_after_a_cut_is_kept_and_the_rest_put_back(
    code: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(code)
    replace = Path.replace

    def die(self: Path, target: Path | str) -> Path:
        if str(target).endswith("1.txt"):
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            journal.write("three", code, changes(code))
    (code / "2.txt").write_bytes(b"theirs\n")
    journal.recover()
    assert texts(code) == [b"old\n", b"old\n", b"theirs\n"]


def test_history_is_bounded(code: Path, journal: Journal) -> None:
    path, old = code / "f", None
    for i in range(HISTORY_MAX + 5):
        new = str(i).encode()
        journal.write(f"to {i}", code, [Change(path, old, new)])
        old = new
    kept = journal.undoable(code)
    assert len(kept) == HISTORY_MAX
    assert kept[0].what == f"to {HISTORY_MAX + 4}"


WRITER = """
import sys
from pathlib import Path
from hansa.editor.journal import Change, Journal
code, state = Path(sys.argv[1]), Path(sys.argv[2])
a, b = b"a" * 4096, b"b" * 4096
while True:
    for old, new in ((a, b), (b, a)):
        Journal(state).write("all", code, [Change(p, old, new) for p in sorted(code.glob("*.txt"))])
        print("round", flush=True)
"""


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_kill_9_while_many_files_are_written(rounds: int, code: Path, tmp_path: Path) -> None:
    for i in range(FILES):
        (code / f"{i:02}.txt").write_bytes(b"a" * 4096)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(code), str(tmp_path / "state")],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout
    for _ in range(rounds):
        process.stdout.readline()
    # Killed between the renames of one change.
    deadline_s = time.monotonic() + 30
    while not _is_mixed(code) and time.monotonic() < deadline_s:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    Journal(tmp_path / "state").recover()
    found = {path.read_bytes() for path in code.iterdir()}
    assert found in ({b"a" * 4096}, {b"b" * 4096})
    assert len(list(code.iterdir())) == FILES


def _is_mixed(code: Path) -> bool:
    first, last = code / "00.txt", code / f"{FILES - 1:02}.txt"
    return first.read_bytes()[:1] != last.read_bytes()[:1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(
    st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=20)
).filter(lambda pair: pair[0] != pair[1]), min_size=1))  # fmt: skip
def test_undo_is_the_inverse(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, tuple[bytes | None, bytes | None]]
) -> None:
    folder = tmp_path_factory.mktemp("inverse")
    for name, (old, _) in given.items():
        if old is not None:
            (folder / name).write_bytes(old)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    journal = Journal(folder.with_name(f"{folder.name}-state"))
    journal.write("all", folder, [Change(folder / name, *pair) for name, pair in given.items()])
    after = {name: new for name, (_, new) in given.items() if new is not None}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == after
    journal.undo(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
