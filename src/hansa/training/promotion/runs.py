"""Runs of `hansa eval` as evidence: whole, over, and of the model that they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hansa.core.digests import sha256_hex
from hansa.evals.store import RESULT, SAMPLES, SETTINGS, RunSettings, Sample, read_run, runs_folder

ASKED_DIFFERENTLY = frozenset({"prefix_only"})
"""Options that say how a model is prompted, not what it is asked; models may differ in them."""


@dataclass(frozen=True, slots=True)
class Run:
    name: str
    settings: RunSettings
    samples: Sequence[Sample]
    ended_s: float
    """When it was over, since the Unix epoch."""
    digests: dict[str, str]
    """Of its files, by name."""

    def comparable(self, other: "Run") -> str:
        """Why the other's answers cannot be set beside this one's; empty if they can."""
        ours, theirs = self.settings, other.settings
        if (ours.sampling, ours.samples) != (theirs.sampling, theirs.samples):
            return "tokens were drawn differently"
        for name in ours.options.keys() | theirs.options.keys():
            if name not in ASKED_DIFFERENTLY and ours.options.get(name) != theirs.options.get(name):
                return f"the option {name} differs"
        tasks = [{each.task_id for each in run.samples} for run in (self, other)]
        return "" if tasks[0] == tasks[1] else "they were not asked the same questions"


def whole_runs(state_dir: Path, benchmark: str, model: str) -> list[Run]:
    """Runs that are over and asked every question of a benchmark, newest first.

    What is there is counted again from the samples; a run's own summary is not believed.

    Raises:
        ConfigError: a run cannot be read.
    """
    found = [
        run
        for path in runs_folder(state_dir).glob(f"*/{RESULT}")
        if (run := _read(path.parent, benchmark, model))
    ]
    return sorted(found, key=lambda run: run.ended_s, reverse=True)


def _read(folder: Path, benchmark: str, model: str) -> Run | None:
    try:
        named = msgspec.json.decode((folder / SETTINGS).read_bytes(), type=_Named)
    except (OSError, msgspec.DecodeError):
        return None
    if (named.benchmark, named.model) != (benchmark, model):
        return None
    settings, samples = read_run(folder)
    unique = {(each.task_id, each.number) for each in samples}
    if settings.options.get("limit") or len(unique) != settings.questions * settings.samples:
        return None
    digests = {name: sha256_hex((folder / name).read_bytes()) for name in (SETTINGS, SAMPLES)}
    return Run(folder.name, settings, samples, (folder / RESULT).stat().st_mtime, digests)


class _Named(msgspec.Struct, frozen=True):
    benchmark: str
    model: str
