"""The audit log: it grows, it is whole after a crash, and it shows when it was changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from hansa.accounts.audit import NOTHING_BEFORE, AuditLog
from hansa.core.digests import sha256_hex
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


def test_what_was_torn_off_is_kept(log: AuditLog, path: Path):
    three(log)
    for torn in (b'{"at_ms":1', b"\x00" * 512):
        with path.open("ab") as file:
            file.write(torn)
        log.note("cli", "x", {})
    assert path.with_suffix(".torn").read_bytes() == b'{"at_ms":1\n' + b"\x00" * 512 + b"\n"
    assert path.with_suffix(".torn").stat().st_mode & 0o777 == 0o600
    assert log.verify().entries == 5


def test_a_node_that_starts_says_what_was_torn(path: Path, clock: FakeClock):
    said: list[str] = []
    log = AuditLog(path, clock, said.append)
    three(log)
    log.mend()
    assert said == []
    with path.open("ab") as file:
        file.write(b"{")
    log.mend()
    assert ["never finished (1 bytes)" in each for each in said] == [True]
    log.note("cli", "x", {})
    assert "moved to" in said[-1]


def damage(path: Path, how: str) -> bytes:
    """Damage a log of three lines; what it then is."""
    first, second, third = path.read_bytes().splitlines(keepends=True)
    damaged = {
        "a changed line": first + second.replace(b"bob", b"rob") + third,
        "a line less": first + third,
        "garbage in the middle": first + b"\xff garbage\n" + second + third,
        "garbage at the end": first + second + third[:20] + b"\n",
        "zeros at the end": first + second + third + b"\x00" * 200_000,
    }[how]
    path.write_bytes(damaged)
    return damaged


DAMAGES = ["a changed line", "a line less", "garbage in the middle", "garbage at the end",
           "zeros at the end"]  # fmt: skip


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("by", ["start", "act"])
def test_nothing_is_appended_to_a_broken_chain(path: Path, clock: FakeClock, how: str, by: str):
    said: list[str] = []
    log = AuditLog(path, clock, said.append)
    three(log)
    damaged = damage(path, how)
    if by == "start":
        log.mend()
    log.note("cli", "key_create", {"name": "zoe"})
    begun, act = log.latest(10)
    assert (begun.act, begun.before, act.details["name"]) == ("audit_broken", NOTHING_BEFORE, "zoe")
    assert f"{path}, line" in begun.details["break"]
    aside = path.with_name(begun.details["file"])
    assert aside.read_bytes() == damaged
    assert begun.details["sha256"] == sha256_hex(damaged)
    verdict = log.verify()
    assert verdict.entries == 2
    assert verdict.breaks == (said[0],)
    assert str(aside) in said[0]


def test_a_break_is_said_at_each_start_and_its_file_is_watched(path: Path, clock: FakeClock):
    said: list[str] = []
    log = AuditLog(path, clock, said.append)
    three(log)
    damage(path, "a line less")
    log.mend()
    log.mend()
    assert len(said) == 2
    assert said[0] == said[1]
    aside = path.with_name(log.latest(1)[0].details["file"])
    aside.write_bytes(b"nothing to see")
    assert "which was changed since" in log.verify().breaks[0]
    aside.unlink()
    assert "no longer there" in log.verify().breaks[0]


def test_a_second_break_names_the_first(path: Path, clock: FakeClock):
    log = AuditLog(path, clock)
    three(log)
    damage(path, "a line less")
    three(log)
    first = log.latest(10)[0].details["file"]
    path.write_bytes(path.read_bytes().replace(b"bob", b"rob"))
    log.mend()
    second = log.latest(10)[0].details["file"]
    assert first != second
    assert first.encode() in path.with_name(second).read_bytes()
    assert path.with_name(first).is_file()


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
