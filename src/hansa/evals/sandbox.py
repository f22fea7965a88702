"""Runs code that a model wrote, where it can do no harm.

Bubblewrap puts it into namespaces of its own: no network, no other processes, no files but the
system's read-only and a small folder in memory. Limits on memory, files, processes and processor
time come on top, a filter of system calls, and a time after which all of it is killed. `harness.py`
runs inside and judges. Source: bubblewrap's manual; setrlimit(2).
"""

import asyncio
import contextlib
import marshal
import math
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hansa.core.errors import ConfigError, EngineError
from hansa.evals.seccomp import filter_program

Outcome = Literal["passed", "failed", "timed out"]

TIMEOUT_S = 10.0
MEMORY_BYTES = 512 * 1024**2
"""Of each process."""
FOLDER_BYTES = 16 * 1024**2
"""Of all files together, and of one."""
PROCESSES_MAX = 8
FILES_MAX = 64
OUTPUT_BYTES_MAX = 64 * 1024
KILL_AFTER_S = 1.0
"""What starting and ending may take beyond the time that the code itself has."""

_OWN_UIDS = 1_900_000_000
"""User ids that nobody has; each run by root gets one, so that its processes are counted alone."""

_HARNESS = Path(__file__).with_name("harness.py")


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    said: str
    """The end of what it wrote to its error output."""


async def run(
    program: str, check: str, entry: str, *, timeout_s: float = TIMEOUT_S, unsafe: bool = False
) -> Verdict:
    """Define `program`, then call `check(candidate)` of the tests with its function `entry`.

    `check` is the tests' source and trusted, `program` is not; the tests may call the function by
    its own name too. It takes and returns plain values only: numbers, text, bytes, None, and lists,
    tuples, sets and dicts of such; the tests do not see what it does to its arguments. `unsafe`
    runs it as the caller, with some limits alone.

    Raises:
        ConfigError: this machine cannot isolate, and it is not `unsafe`.
        EngineError: the sandbox did not start.
    """
    with _memory_file(b"" if unsafe else filter_program()) as filter_file:
        token = secrets.token_hex(16).encode()
        job = marshal.dumps((token, program, check, entry))
        command = _command(timeout_s, filter_file, unsafe)
        with tempfile.TemporaryDirectory() as folder:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                pass_fds=() if unsafe else (filter_file,),
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(timeout_s + KILL_AFTER_S):
                    out, said = await _exchange(process, job)
            except TimeoutError:
                return Verdict("timed out", f"no end within {timeout_s:g} s")
            finally:
                await _kill(process)
    end = said.decode(errors="replace")[-2000:]
    if not out.startswith(b"begun\n"):
        raise EngineError(f"the sandbox did not start: {end.strip() or process.returncode}")
    passed = out == b"begun\n" + token and process.returncode == 0
    return Verdict("passed" if passed else "failed", end)


async def check_isolation() -> None:
    """Try to break out, harmlessly; raises ConfigError, with what to do, where that succeeds."""
    try:
        verdict = await run(_PROBE, _PROBE_CHECK, "probe")
    except EngineError as error:
        raise ConfigError(
            f"code of models cannot be isolated here: {error.message}",
            hint="bubblewrap needs namespaces: run on a host that allows them; or --unsafe, "
            "which runs the code as you",
        ) from error
    if verdict.outcome != "passed":
        raise ConfigError(
            f"code of models cannot be isolated here: {verdict.said.strip()[-300:]}",
            hint="use another machine; or --unsafe, which runs the code as you",
        )


_PROBE = """\
import os, socket
def probe():
    can = {"processes": 0, "write": False, "connect": False}
    held, hold = os.pipe()
    try:
        for _ in range(100):
            if not os.fork():
                os.close(hold)
                os.read(held, 1)
                os._exit(0)
            can["processes"] += 1
    except OSError:
        pass
    for path in ("/probe", "/usr/probe", "/dev/shm/probe", "/etc/probe"):
        try:
            open(path, "w")
            can["write"] = True
        except OSError:
            pass
    try:
        socket.socket()
        can["connect"] = True
    except OSError:
        pass
    return can
"""
_PROBE_CHECK = f"""\
def check(candidate):
    can = candidate()
    assert can["processes"] < {PROCESSES_MAX}, "the number of processes is not limited"
    assert not can["write"], "files outside can be written"
    assert not can["connect"], "sockets can be made"
"""


def _command(timeout_s: float, filter_file: int, unsafe: bool) -> list[str]:
    limits = {
        "RLIMIT_AS": MEMORY_BYTES,
        "RLIMIT_FSIZE": FOLDER_BYTES,
        "RLIMIT_CPU": math.ceil(timeout_s + KILL_AFTER_S) + 1,
        "RLIMIT_NOFILE": FILES_MAX,
        "RLIMIT_CORE": 0,
    }
    python: str = getattr(sys, "_base_executable", sys.executable)
    uid = 0 if unsafe else _OWN_UIDS + secrets.randbelow(1_000_000)
    if not unsafe:
        limits["RLIMIT_NPROC"] = PROCESSES_MAX
    inside = [python, "-I", "-S", "-c", _HARNESS.read_text("utf-8"), repr(limits), str(uid)]
    return inside if unsafe else [*_isolation(filter_file), *inside]


def _isolation(filter_file: int) -> list[str]:
    """Bubblewrap's part of the command.

    Root makes no user namespace: the kernel counts no process of root's, also not inside of one, so
    that the harness has to become another user, for which it keeps two capabilities until then.

    Raises:
        ConfigError: there is no bubblewrap.
    """
    bwrap = shutil.which("bwrap") if sys.platform == "linux" else None
    if not bwrap:
        raise ConfigError(
            "code of models cannot be isolated here: bubblewrap is missing",
            hint="on Debian or Ubuntu: apt-get install bubblewrap; or --unsafe, which runs the "
            "code as you",
        )
    if os.getuid() == 0:
        user = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        user = ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    folder = "/tmp"  # noqa: S108 - of the sandbox's own, in memory
    return [
        bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
        "--unshare-cgroup-try", "--die-with-parent", "--new-session", *user, *_readable(),
        "--dev", "/dev", "--remount-ro", "/dev",
        "--perms", "1777", "--size", str(FOLDER_BYTES), "--tmpfs", folder,
        "--remount-ro", "/", "--chdir", folder,
        "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8",
        "--seccomp", str(filter_file),
    ]  # fmt: skip


def _readable() -> list[str]:
    """The system's libraries and this interpreter's own folder, which may lie in a home."""
    words: list[str] = []
    for path in ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"):
        words += ["--ro-bind-try", path, path]
    python = Path(sys.base_prefix)
    if not python.is_relative_to("/usr"):
        for parent in list(reversed(python.parents))[1:]:
            words += ["--perms", "0755", "--dir", str(parent)]
        words += ["--ro-bind", str(python), str(python)]
    return words


@contextlib.contextmanager
def _memory_file(content: bytes) -> Generator[int]:
    """A file that bubblewrap can read to its end; it takes no pipe. Of no use where empty."""
    if not content:
        yield -1
        return
    handle = os.memfd_create("hansa")
    try:
        os.write(handle, content)
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


async def _exchange(process: asyncio.subprocess.Process, job: bytes) -> tuple[bytes, bytes]:
    assert process.stdin
    assert process.stdout
    assert process.stderr
    with contextlib.suppress(ConnectionError):
        process.stdin.write(job)
        await process.stdin.drain()
    process.stdin.close()
    out, said = await asyncio.gather(_end_of(process.stdout), _end_of(process.stderr))
    await process.wait()
    return out, said


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    """The last bytes of a stream, however much comes."""
    kept = b""
    while block := await stream.read(1 << 16):
        kept = (kept + block)[-OUTPUT_BYTES_MAX:]
    return kept


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End bubblewrap, and with it the namespace of processes; without it, the process group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
