"""A trained run with all its evidence on disk, made up for tests; each part can be spoilt."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hansa.core.digests import sha256_hex
from hansa.evals.question import Answer, Sampling, Score
from hansa.evals.report import report
from hansa.evals.store import RunSettings, Sample, Store, runs_folder
from hansa.models.profile import FimTokens
from hansa.training.corpus.manifest import Manifest, Settings, SourceRecord, encode
from hansa.training.recipe import Fim, Recipe, Steps
from hansa.training.record import Record

LIVE, CANDIDATE = "smollm2-135m-instruct", "hansa-candidate"
ADAPTER = b"an adapter"
PAIRS_SHA256 = "0a" * 32
REPORT_OF = {"adapter_sha256": sha256_hex(ADAPTER), "pairs_sha256": PAIRS_SHA256}

GATES = """
bound = false
[[benchmark]]
name = "infill-single-line"
measure = "exact"
at_least = 0.2
below_live = 0.1
better = true
[latency]
p95_ms_at_most = 500
of_live_at_most = 1.5
[privacy]
[licences]
[decontamination]
texts_at_least = 10
"""


@dataclass(frozen=True)
class Case:
    """Folders of one candidate; as they are made, every gate holds."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def corpus(self) -> Path:
        return self.root / "corpus"

    @property
    def state(self) -> Path:
        return self.root / "evals-state"

    @property
    def gates(self) -> Path:
        return self.root / "gates.toml"


def make_case(root: Path) -> Case:
    case = Case(root)
    for each in (case.run, case.corpus, case.state):
        each.mkdir(parents=True)
    case.gates.write_text(GATES)
    write_manifest(case)
    write_record(case)
    write_privacy(case)
    write_eval(case, "infill-single-line", LIVE, right=range(20))
    write_eval(case, "infill-single-line", CANDIDATE, right=range(60))
    write_eval(case, "latency", LIVE, total_ms=200.0)
    write_eval(case, "latency", CANDIDATE, total_ms=220.0)
    return case


def write_manifest(
    case: Case, licence: str = "MIT", evals_texts: int = 164, source: str = "cargo"
) -> None:
    settings = Settings(
        tool="hansa 0", shard_bytes=1, run_words=10, alike_min=0.8, evals_texts=evals_texts,
        evals_runs=evals_texts * 9, evals_sha256="ab", opt_out_sha256="cd",
    )  # fmt: skip
    record = SourceRecord(
        name=source, version="1.0", kind="installed", licence=licence, evidence="metadata",
        listing_sha256="ef", files=9, kept=7, text_bytes=7000, dropped={"short": 2},
        replaced={"email": 3},
    )  # fmt: skip
    (case.corpus / "manifest.json").write_bytes(
        encode(Manifest(settings=settings, sources=[record], shards=[]))
    )


def write_record(case: Case, **changes: Any) -> Record:
    (case.run / "adapter.gguf").write_bytes(ADAPTER)
    fim = Fim(tokens=FimTokens("<p>", "<s>", "<m>", "psm"), other_middle="<o>")
    fields: dict[str, Any] = {
        "tool": "hansa 0",
        "recipe": Recipe(name=CANDIDATE, base=LIVE, fim=fim, steps=Steps(count=5)),
        "base_sha256": "00",
        "pairs_sha256": PAIRS_SHA256,
        "corpus_sha256": sha256_hex((case.corpus / "manifest.json").read_bytes()),
        "rows": 100,
        "held_out_rows": 4,
        "targets": 9000,
        "libraries": {"torch": "2"},
        "seconds": 12.5,
        "first_held_out": 2.0,
        "last_held_out": 1.5,
        "files": {"adapter.gguf": sha256_hex(ADAPTER)},
    }
    record = Record(**(fields | changes))
    path = case.run / "run.json"
    path.write_bytes(msgspec.json.encode(record))
    os.utime(path, (1000, 1000))  # Evals come later than the training they are of.
    return record


def write_privacy(case: Case, extracted: int = 0, once_bits: float = 1.5) -> None:
    findings = [
        {"copies": copies, "exposure_bits": once_bits if copies else 1.4,
         "extracted": bool(copies) and number < extracted}
        for copies in (0, 1, 4)
        for number in range(3)
    ]  # fmt: skip
    (case.run / "privacy.json").write_bytes(msgspec.json.encode(REPORT_OF | {"findings": findings}))


def write_eval(
    case: Case, benchmark: str, model: str, *, right: range = range(0), total_ms: float = 20.0,
    of: int = 100, name: str = "", weights_sha256: str = "", **options: Any,
) -> Path:  # fmt: skip
    """A whole run in which the questions of these numbers are right."""
    settings = RunSettings(
        benchmark=benchmark, model=model, endpoint="node", sampling=Sampling(), samples=1,
        options=options, questions=of, questions_sha256="", hansa="0",
        weights_sha256=weights_sha256,
    )  # fmt: skip
    folder = runs_folder(case.state) / (name or f"{benchmark}-{model}")
    with Store(folder, settings) as store:
        for number in range(of):
            task = f"{benchmark}/{number}"
            store.add(
                Sample(
                    task_id=task,
                    group=task,
                    answer=Answer(text="x", ttft_ms=9.0, total_ms=total_ms),
                    score=Score(
                        text="x", exact=None if benchmark == "latency" else number in right
                    ),
                )
            )
        store.finish(report(str(folder), settings, list(store.samples.values())))
    return folder
