"""All that a decision rests on, read from disk: training run, corpus, evals, attacks."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import UserError
from hansa.models.catalog import catalog
from hansa.models.fetching import digest_of
from hansa.models.weights import Adapted
from hansa.training.corpus.manifest import NAME as MANIFEST
from hansa.training.corpus.manifest import Manifest, decode
from hansa.training.promotion.runs import Run, whole_runs
from hansa.training.record import NAME as RECORD
from hansa.training.record import Record, read_record

PRIVACY = "privacy.json"
"""In a run's folder, unless another file is named."""

SHIPPED_MANIFEST = "corpus.json"
"""The corpus's manifest as it lies beside an adapter that ships, without the corpus."""


class CanaryFinding(msgspec.Struct, frozen=True):
    """What attacks found of one planted secret."""

    copies: int
    """How often it was planted; 0: never, for comparison."""
    exposure_bits: float
    extracted: bool


class PrivacyReport(msgspec.Struct, frozen=True):
    """What is read of a privacy report; its other fields are summaries of the findings."""

    findings: tuple[CanaryFinding, ...]
    adapter_sha256: str = ""
    """Of the adapter that was attacked."""
    pairs_sha256: str = ""
    """Of the pairs that the secrets were planted among."""


class Item(msgspec.Struct, frozen=True):
    """A file that was looked at."""

    name: str
    sha256: str


@dataclass(slots=True)
class Evidence:
    """Files are noted as they are looked at, so that the decision can name them all."""

    candidate: str
    live: str
    run: Path
    record: Record
    recorded_s: float
    """When the training run was over, since the Unix epoch."""
    state_dir: Path
    corpus: Path | None = None
    privacy: Path | None = None
    charter_sha256: str = ""
    """Digest of the candidate's weights by the charter in force; empty: it has none."""
    items: dict[str, str] = field(default_factory=dict[str, str])

    def manifest(self) -> tuple[Manifest | None, str]:
        """The manifest of the corpus that the run was trained on; else why there is none.

        Raises:
            UserError: it cannot be read, or is none.
        """
        path = self.corpus / MANIFEST if self.corpus else self.run / SHIPPED_MANIFEST
        if not self.corpus and not path.exists():
            return None, "no corpus was named (--corpus)"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        if sha256_hex(data) != self.record.corpus_sha256:
            return None, "the run was trained on another corpus"
        self.items[f"corpus/{MANIFEST}"] = self.record.corpus_sha256
        return decode(data, path), ""

    def privacy_report(self) -> PrivacyReport | None:
        """The report that was named, or that lies in the run's folder. Raises UserError."""
        path = self.privacy or self.run / PRIVACY
        if self.privacy is None and not path.exists():
            return None
        try:
            data = path.read_bytes()
            report = msgspec.json.decode(data, type=PrivacyReport)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise UserError(f"{path} is no privacy report: {error}") from error
        self.items[PRIVACY] = sha256_hex(data)
        return report

    def eval_of_candidate(self, benchmark: str) -> Run | None:
        """The newest whole run made after the training ended, of the candidate's weights if it
        names any."""
        known = {"", *self.known_digests().values(), *self.record.files.values()}
        if card := catalog().get(self.candidate):
            known.add(card.weights.sha256)
        runs = whole_runs(self.state_dir, benchmark, self.candidate)
        return next(
            (
                each
                for each in runs
                if each.ended_s >= self.recorded_s and each.settings.weights_sha256 in known
            ),
            None,
        )

    def eval_of_live(self, benchmark: str, beside: Run) -> Run | None:
        """The newest whole run whose answers can be set beside the candidate's."""
        runs = whole_runs(self.state_dir, benchmark, self.live)
        return next((each for each in runs if not beside.comparable(each)), None)

    def note(self, run: Run) -> None:
        for name, digest in run.digests.items():
            self.items[f"evals/{run.name}/{name}"] = digest

    def changed_files(self) -> list[str]:
        """Files of the training run that are not as it left them."""
        return [
            name
            for name, digest in self.record.files.items()
            if not (self.run / name).is_file() or digest_of(self.run / name) != digest
        ]

    def known_digests(self) -> dict[str, str]:
        """Who says what the candidate's weights are, and the digest."""
        said: dict[str, str] = {}
        if self.charter_sha256:
            said["the charter"] = self.charter_sha256
        if (card := catalog().get(self.candidate)) and isinstance(card.weights, Adapted):
            said["the catalog"] = card.weights.adapter_sha256
        elif card and card.weights.sha256:
            said["the catalog"] = card.weights.sha256
        return said


def gather(
    run: Path, candidate: str, live: str, state_dir: Path, *, corpus: Path | None = None,
    privacy: Path | None = None, charter_sha256: str = "",
) -> Evidence:  # fmt: skip
    """Begin with the training run. Raises as `read_record`."""
    record = read_record(run)
    data = (run / RECORD).read_bytes()
    found = Evidence(
        candidate=candidate,
        live=live,
        run=run,
        record=record,
        recorded_s=(run / RECORD).stat().st_mtime,
        state_dir=state_dir,
        corpus=corpus,
        privacy=privacy,
        charter_sha256=charter_sha256,
    )
    found.items[RECORD] = sha256_hex(data)
    for name, digest in record.files.items():
        found.items[f"run/{name}"] = digest
    return found
