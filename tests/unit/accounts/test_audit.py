"""The audit log: it grows, it is whole after a crash, and it shows when it was changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from hansa.accounts.audit import NOTHING_BEFORE, AuditLog
from hansa.core.errors import IntegrityError, StorageError

from .conftest import NOW_MS, FakeClock

WRITE = """
import sys
from pathlib import Path
from hansa.accounts.audit import AuditLog
from hansa.core.clock import SystemClock
log = AuditLog(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    log.note(sys.argv[2], "key_create", {"n": str(number)})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


@pytest.fixture
def log(path: Path, clock: FakeClock) -> AuditLog:
    return AuditLog(path, clock)


def three(log: AuditLog) -> None:
    for name in ("ada", "bob", "eve"):
        log.note("cli", "key_create", {"name": name})


def test_acts_are_kept_in_order(log: AuditLog, path: Path):
    three(log)
    entries = log.latest(10)
    assert [each.details["name"] for each in entries] == ["ada", "bob", "eve"]
    assert (entries[0].at_ms, entries[0].actor, entries[0].act) == (NOW_MS, "cli", "key_create")
    assert entries[0].before == NOTHING_BEFORE
    assert len({each.before for each in entries}) == 3
    assert log.latest(2) == entries[1:]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_log_holds_together(log: AuditLog):
    verdict = log.verify()
    assert (verdict.entries, verdict.head, verdict.torn_bytes) == (0, NOTHING_BEFORE, 0)
    assert log.latest(5) == []
    assert log.last_of("key_create") is None


def test_the_newest_of_a_kind(log: AuditLog):
    three(log)
    log.note("node", "drain", {})
    found = log.last_of("key_create")
    assert found
    assert found.details == {"name": "eve"}


@pytest.mark.parametrize("number", [0, 1])
def test_a_changed_line_is_found(log: AuditLog, path: Path, number: int):
    three(log)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number] = lines[number].replace(b"cli", b"CLI")
    path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=f"line {number + 2}: it does not follow"):
        log.verify()


@pytest.mark.parametrize("number", [0, 1])
def test_a_line_taken_out_is_found(log: AuditLog, path: Path, number: int):
    three(log)
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[number]
    path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=f"line {number + 1}"):
        log.verify()


def test_swapped_lines_are_found(log: AuditLog, path: Path):
    three(log)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + third + second)
    with pytest.raises(IntegrityError, match="line 2"):
        log.verify()


@pytest.mark.parametrize("line", [b"{}\n", b"\n", b"\xff\n", b'["a"]\n', b"x" * 70_000 + b"\n"])
def test_what_is_no_act_is_found(log: AuditLog, path: Path, line: bytes):
    three(log)
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(IntegrityError, match="line 4"):
        log.verify()


def test_cutting_the_end_shows_in_the_head(log: AuditLog, path: Path):
    three(log)
    before = log.verify()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    after = log.verify()
    assert (before.entries, after.entries) == (3, 2)
    assert before.head != after.head


def test_every_way_to_tear_the_last_line_is_said_and_mended(
    log: AuditLog, path: Path, clock: FakeClock
):
    three(log)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start + 1, len(whole)):
        path.write_bytes(whole[:end])
        assert log.verify().torn_bytes == end - start
        assert [each.details["name"] for each in log.latest(5)] == ["ada", "bob"]
        entry = AuditLog(path, clock).note("cli", "key_revoke", {"key": "k"})
        assert entry.details == {"key": "k", "unfinished_line_bytes": str(end - start)}
        verdict = log.verify()
        assert (verdict.entries, verdict.torn_bytes) == (3, 0)


def test_long_details_are_cut(log: AuditLog):
    log.note("cli", "x", {"name": "é" * 10_000})
    assert len(log.latest(1)[0].details["name"]) == 500
    log.note("cli", "x", {})
    assert log.verify().entries == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, clock: FakeClock):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        AuditLog(tmp_path / "file" / "audit.jsonl", clock).note("cli", "x", {})


def test_two_processes_that_write_at_once_keep_one_chain(log: AuditLog, path: Path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert log.verify().entries == 50
