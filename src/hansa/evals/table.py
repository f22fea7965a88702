"""What models claim beside what was measured: the catalog's scores, and the runs kept here."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hansa.evals.report import Report, kept_report
from hansa.evals.store import RESULT, runs_folder
from hansa.models.catalog import Card

BENCHMARKS = {"MMLU": ("mmlu", "exact"), "HumanEval": ("humaneval", "pass@1")}
"""The catalog's name of a benchmark to ours, and to the measure that it means."""

OWN = {
    "single-line": ("infill-single-line", "exact"),
    "repository": ("repository", "exact"),
}
"""What no maker claims."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    kind: str
    parameters: int
    claimed: dict[str, float]
    """Percent, by the catalog's name of the benchmark."""
    measured: dict[str, float]
    """Percent; of the latest whole run here, else as the catalog's card says."""
    answer_ms_p95: float | None
    """Of the latest latency run."""
    input_nanousd_per_mtok: int | None
    output_nanousd_per_mtok: int | None


def finished(state_dir: Path) -> list[Report]:
    """The reports of all runs that are over, oldest first."""
    paths = runs_folder(state_dir).glob(f"*/{RESULT}")
    ordered = sorted(paths, key=lambda path: path.stat().st_mtime_ns)
    return [done for path in ordered if (done := kept_report(path.parent))]


def table(cards: Iterable[Card], reports: Iterable[Report]) -> list[Row]:
    """A row for each card; runs of a part of the questions are left out."""
    whole = [each for each in reports if not each.settings.options.get("limit")]
    return [
        _row(card, [each for each in whole if each.settings.model == card.id]) for card in cards
    ]


def _row(card: Card, reports: list[Report]) -> Row:
    claimed = {each.benchmark: each.percent for each in card.scores if each.status == "claimed"}
    measured = {each.benchmark: each.percent for each in card.scores if each.status == "measured"}
    latency = None
    for each in reports:
        for name, (benchmark, wanted) in (BENCHMARKS | OWN).items():
            found = each.measure(wanted) if each.settings.benchmark == benchmark else None
            if found:
                measured[name] = round(100 * found.mean, 1)
        if each.settings.benchmark == "latency":
            latency = each.times.answer_ms_p95
    return Row(
        model=card.id,
        kind=card.kind,
        parameters=card.parameters,
        claimed=claimed,
        measured=measured,
        answer_ms_p95=latency,
        input_nanousd_per_mtok=card.price.input_nanousd_per_mtok if card.price else None,
        output_nanousd_per_mtok=card.price.output_nanousd_per_mtok if card.price else None,
    )
