"""The machinery of the demo: commands and nodes as processes, and waiting for facts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hansa.core.errors import HansaError

COMMAND = [sys.executable, "-P", "-m", "hansa.cli"]
COMMAND_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 30.0
POLL_S = 0.02


class StepFailed(HansaError):
    """Something that should have happened did not; the demo ends with exit code 1."""

    code = "demo_failed"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Member:
    """One member on this machine: its folder, its address and, while it runs, its process."""

    def __init__(self, id_: str, name: str, jurisdiction: str, folder: Path) -> None:
        self.id = id_
        self.name = name
        self.jurisdiction = jurisdiction
        self.folder = folder / id_
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self.folder / "hansa.toml"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start this member's node as a process of its own."""
        self._log = (self.folder / "node.log").open("ab")
        command = [*COMMAND, "node", "serve", "--config", str(self.config)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        """`kill -9`: no goodbye, no flush."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._forget()

    def stop(self) -> None:
        """SIGTERM, and kill what has not ended in time."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def wait_ready(self) -> None:
        """Wait until a replica somewhere in the league can serve this member."""
        wait_for(lambda: self._answers("/ready"), f"{self.id} is ready; see {self._log_path()}")

    def _answers(self, path: str) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise StepFailed(f"{self.id}'s node has ended; see {self._log_path()}")
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as reply:  # noqa: S310  http
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _log_path(self) -> Path:
        return self.folder / "node.log"

    def _forget(self) -> None:
        self._process = None
        if self._log:
            self._log.close()
            self._log = None


def run(*arguments: str | Path, environment: dict[str, str] | None = None) -> Ran:
    """Run `hansa ARGUMENTS` to its end, whatever its exit code."""
    words = tuple(map(str, arguments))
    try:
        done = subprocess.run(
            [*COMMAND, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
            env={**os.environ, **(environment or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise StepFailed(
            f"`hansa {' '.join(words)}` did not end in {COMMAND_TIMEOUT_S:g} s"
        ) from error
    return Ran(words, done.returncode, done.stdout, done.stderr)


def done(ran: Ran) -> Ran:
    """Require that a command ended with 0."""
    if ran.code:
        raise StepFailed(f"`hansa {' '.join(ran.arguments)}` ended with {ran.code}: {ran.err}")
    return ran


def require(fact: bool, what: str) -> None:
    """Require that something is so; a failed one ends the demo."""
    if not fact:
        raise StepFailed(f"not so: {what}")


def wait_for(fact: Callable[[], bool], what: str, timeout_s: float = READY_TIMEOUT_S) -> float:
    """Wait until `fact` holds; returns the seconds it took."""
    began_s = time.monotonic()
    while not fact():
        if time.monotonic() - began_s > timeout_s:
            raise StepFailed(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)
    return time.monotonic() - began_s


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
