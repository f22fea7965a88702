"""Files are whole or absent; locks hold between processes and die with them."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hansa.core import files
from hansa.core.errors import StorageError
from hansa.core.files import exclusive_lock, storage_error, user_state_dir, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path):
    path = tmp_path / "new" / "a"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["a"]


def test_permissions_are_kept_or_set(tmp_path: Path):
    path = tmp_path / "a"
    write_atomic(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o755)
    write_atomic(path, b"two")
    assert path.stat().st_mode & 0o777 == 0o755
    write_atomic(path, b"three", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_never_readable_by_others_even_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    modes: list[int] = []
    real = os.fsync

    def note(handle: int) -> None:
        modes.append(os.fstat(handle).st_mode & 0o077)
        real(handle)

    monkeypatch.setattr(files.os, "fsync", note)
    write_atomic(tmp_path / "key", b"secret", mode=0o600)
    assert modes[0] == 0


def test_a_link_stays_and_the_file_it_names_is_written(tmp_path: Path):
    target = tmp_path / "real" / "a"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "Read-only file system")]
)
def test_what_the_disk_refuses_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
):
    path = tmp_path / "a"
    write_atomic(path, b"old")

    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StorageError, match=said):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        write_atomic(tmp_path / "file" / "a", b"x")
    with pytest.raises(StorageError, match="cannot write"), exclusive_lock(tmp_path / "file/lock"):
        raise AssertionError("there is no lock to hold")


def test_errors_inside_a_lock_are_not_blamed_on_it(tmp_path: Path):
    with pytest.raises(FileNotFoundError), exclusive_lock(tmp_path / "lock"):
        (tmp_path / "nothing").read_bytes()


def test_an_error_without_a_reason_still_reads():
    assert "cannot write" in storage_error(OSError("odd"), Path("/x")).message


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path):
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with exclusive_lock(tmp_path / "lock"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_dies_with_its_holder(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from hansa.core.files import exclusive_lock\n"
        f"with exclusive_lock(Path({str(tmp_path / 'lock')!r})):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with exclusive_lock(tmp_path / "lock"):
        pass


def test_state_lives_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HANSA_STATE_DIR", "~/x")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_state_dir() == tmp_path / "x"
    monkeypatch.delenv("HANSA_STATE_DIR")
    assert user_state_dir().name == "hansa"
