"""A run on disk: its settings, and each sample as a line of JSON the moment it is scored.

A run that was killed goes on where it ended: a line cut in half is taken away, whole ones are kept.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

import msgspec

from hansa.core.errors import ConfigError, Conflict, NotFound
from hansa.core.files import storage_error, write_atomic
from hansa.evals.question import Answer, Sampling, Score

SETTINGS, SAMPLES, RESULT = "settings.json", "samples.jsonl", "result.json"

_T = TypeVar("_T")


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that decides what is measured; a run goes on only with the same."""

    benchmark: str
    model: str
    weights_sha256: str = ""
    """As the league's charter names them when the run begins; empty if nobody says."""
    endpoint: str
    """`node`, or the address that was given."""
    sampling: Sampling
    samples: int
    """Of each question."""
    options: dict[str, str | int | float | bool]
    """Of the benchmark."""
    questions: int
    questions_sha256: str
    """Of what is asked, prompts and all."""
    hansa: str
    """Version that asked."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    task_id: str
    group: str
    number: int = 0
    """Which of the question's samples, from 0."""
    answer: Answer
    score: Score


class Store:
    """One run's folder; a context manager that holds its samples open."""

    def __init__(self, folder: Path, settings: RunSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.samples: dict[tuple[str, int], Sample] = {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Make the folder or read what is in it.

        Raises:
            ConfigError: the folder holds a run with other settings.
            Conflict: another process is at work on it.
            StorageError: the disk refused.
        """
        path = self.folder / SETTINGS
        if path.exists():
            if _read(path, RunSettings) != self.settings:
                raise ConfigError(
                    f"{self.folder} holds a run with other settings",
                    hint="name another folder with --out, or none",
                )
        else:
            write_atomic(path, msgspec.json.format(msgspec.json.encode(self.settings)) + b"\n")
        self._file = _opened(self.folder / SAMPLES)
        self.samples = {(each.task_id, each.number): each for each in _samples(self.folder)}
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file
        self._file.close()

    def add(self, sample: Sample) -> None:
        """Keep one sample; whole on disk, or not at all, whatever ends this process."""
        assert self._file
        try:
            self._file.write(msgspec.json.encode(sample) + b"\n")
            self._file.flush()
        except OSError as error:
            raise storage_error(error, self.folder / SAMPLES) from error
        self.samples[sample.task_id, sample.number] = sample

    def finish(self, result: object) -> None:
        """Write the result beside; from then on the run is over."""
        encoded = msgspec.json.encode(result)
        write_atomic(self.folder / RESULT, msgspec.json.format(encoded) + b"\n")


def runs_folder(state_dir: Path) -> Path:
    return state_dir / "evals" / "runs"


def choose_folder(state_dir: Path, settings: RunSettings, *, anew: bool = False) -> Path:
    """The folder of the latest run with these settings that is not over, or a new one's."""
    runs = runs_folder(state_dir)
    name = f"{settings.benchmark}-{settings.model}".replace("/", "_").replace(":", "_")
    if not anew:
        for folder in sorted(runs.glob(f"{name}-*"), reverse=True):
            unfinished = (folder / SETTINGS).exists() and not (folder / RESULT).exists()
            if unfinished and _read(folder / SETTINGS, RunSettings) == settings:
                return folder
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = sum(1 for _ in runs.glob(f"{name}-{stamp}*"))
    return runs / (f"{name}-{stamp}" + (f"-{number}" if number else ""))


def find_run(state_dir: Path, name: str) -> Path:
    """A run by its folder or its name. Raises NotFound."""
    for folder in (Path(name), runs_folder(state_dir) / name):
        if (folder / SETTINGS).is_file():
            return folder
    raise NotFound(f"there is no run {name}", hint=f"runs are in {runs_folder(state_dir)}")


def read_run(folder: Path) -> tuple[RunSettings, list[Sample]]:
    """A run's settings and its whole samples, in the order they were made."""
    return _read(folder / SETTINGS, RunSettings), list(_samples(folder))


def _samples(folder: Path) -> Iterator[Sample]:
    path = folder / SAMPLES
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(line, type=Sample)
            except msgspec.DecodeError as error:
                raise ConfigError(f"{path}, line {number} is no sample: {error}") from error


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="remove this run") from error


def _opened(path: Path) -> BinaryIO:
    """The samples' file, for this process alone, without a line cut in half."""
    try:
        file = path.open("ab+")
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _cut_half_line(file)
    except BlockingIOError as error:
        file.close()
        raise Conflict(
            f"another process is at work on {path.parent}",
            hint="wait for it; or --new, which begins another run",
        ) from error
    except OSError as error:
        file.close()
        raise storage_error(error, path) from error
    return file


def _cut_half_line(file: BinaryIO) -> None:
    """Take away what follows the last newline."""
    size = file.seek(0, os.SEEK_END)
    step = 1 << 16
    at = size
    while at > 0:
        start = max(0, at - step)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at != size:
        file.truncate(at)
        os.fsync(file.fileno())
