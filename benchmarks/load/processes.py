"""Processes of a benchmark: started, waited for, measured, and ended by their ids."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path

import psutil

READY_TIMEOUT_S = 120.0
END_TIMEOUT_S = 20.0


@contextlib.contextmanager
def running(
    command: list[str],
    log: Path,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Generator[psutil.Process]:
    """A process in a session of its own, so that Ctrl-C reaches only us; ended when we leave."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _end(process)


def wait_until_ready(process: psutil.Process, url: str, log: Path) -> None:
    """Wait until GET `url` answers 200. Raises RuntimeError with the log if it never does."""
    until = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < until and process.is_running():
        if process.status() == psutil.STATUS_ZOMBIE:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as reply:
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text(errors='replace')[-4000:]}")


def memory_mib(process: psutil.Process) -> float:
    """Resident memory of the process and all below it."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total / 2**20


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the process; SIGKILL to whatever of its tree is left after a while."""
    tree = []
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(tree, timeout=1)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
