"""Each gate against the evidence: what is claimed, what bound it is held to, whether it holds."""

import math
from collections.abc import Iterator

import msgspec

from hansa.evals.comparison import compare
from hansa.evals.packages import HELD_OUT
from hansa.evals.report import times, values_of
from hansa.models.catalog import catalog
from hansa.training.corpus.licences import permissive
from hansa.training.corpus.manifest import Manifest
from hansa.training.corpus.optout import plain_name
from hansa.training.promotion.evidence import CanaryFinding, Evidence, PrivacyReport
from hansa.training.promotion.gates import (
    BenchmarkGate,
    DecontaminationGate,
    Gates,
    LatencyGate,
    LicenceGate,
    PrivacyGate,
)
from hansa.training.promotion.runs import Run
from hansa.training.record import Record

LATENCY = "latency"
"""The benchmark that times are taken from."""

CHANCE_BITS = 1.44
"""Mean of log2(number / rank) where every rank is as likely: log2 of e."""

NAMED_MAX = 5


class Judged(msgspec.Struct, frozen=True):
    """One gate."""

    gate: str
    claim: str
    """What the evidence says; or which evidence is missing."""
    bound: str
    holds: bool


def judge(gates: Gates, evidence: Evidence) -> list[Judged]:
    """Every gate, whether earlier ones held or not.

    Raises:
        UserError, ConfigError: evidence that is there cannot be read.
    """
    judged = [_files(evidence)]
    if gates.bound:
        judged.append(_bound(evidence))
    for each in gates.benchmark:
        judged += _benchmark(each, evidence)
    if gates.latency:
        judged += _latency(gates.latency, evidence)
    if gates.privacy:
        judged += _privacy(gates.privacy, evidence)
    if gates.licences:
        judged += _licences(gates.licences, evidence)
    if gates.decontamination:
        judged.append(_decontamination(gates.decontamination, evidence))
    return judged


def not_asked(gates: Gates) -> list[str]:
    """What these gates do not look at, so that whoever reads a decision sees it."""
    names = ("latency", "privacy", "licences", "decontamination")
    return [name for name in names if getattr(gates, name) is None]


def _files(evidence: Evidence) -> Judged:
    changed = evidence.changed_files()
    claim = f"changed or gone: {_some(changed)}" if changed else "as the run left them"
    return Judged("files of the run", claim, "unchanged", not changed)


def _bound(evidence: Evidence) -> Judged:
    said = evidence.known_digests()
    made = set(evidence.record.files.values())
    agree = [who for who, digest in said.items() if digest in made]
    if agree:
        claim = f"by {' and '.join(agree)}"
    elif said:
        claim = f"other weights by {' and '.join(said)}"
    else:
        claim = "neither catalog nor charter says what it is"
    return Judged("candidate", claim, "made by this run", bool(agree))


def _benchmark(gate: BenchmarkGate, evidence: Evidence) -> Iterator[Judged]:
    name = f"{gate.name} {gate.measure}"
    run = evidence.eval_of_candidate(gate.name)
    values = values_of(run.samples, gate.measure) if run else {}
    if run is None or not values:
        yield Judged(name, _no_run(gate.name, evidence.candidate, run), "measured", holds=False)
        return
    evidence.note(run)
    mean = sum(values.values()) / len(values)
    if gate.at_least is not None:
        yield Judged(name, _percent(mean), f"at least {_percent(gate.at_least)}",
                     mean >= gate.at_least)  # fmt: skip
    if gate.below_live is not None or gate.better:
        yield from _beside_live(gate, name, run, evidence)


def _beside_live(gate: BenchmarkGate, name: str, run: Run, evidence: Evidence) -> Iterator[Judged]:
    name = f"{name} - live"
    live = evidence.eval_of_live(gate.name, run)
    if live is None or not values_of(live.samples, gate.measure):
        claim = f"no whole run of {evidence.live} with the same questions and settings"
        yield Judged(name, claim, "measured", holds=False)
        return
    evidence.note(live)
    found = compare(list(live.samples), list(run.samples), gate.measure)
    claim = (
        f"{_points(found.difference)} ({_points(found.low)} to {_points(found.high)}), live "
        f"{_percent(found.a)}{_prompted(run, live)}"
    )
    if gate.below_live is not None:
        bound = f"low end above {_points(-gate.below_live)}"
        yield Judged(name, claim, bound, found.low >= -gate.below_live)
    if gate.better:
        yield Judged(name, claim, "low end above 0", found.low > 0)


def _latency(gate: LatencyGate, evidence: Evidence) -> Iterator[Judged]:
    run = evidence.eval_of_candidate(LATENCY)
    if run is None:
        yield Judged("latency p95", _no_run(LATENCY, evidence.candidate, None), "measured",
                     holds=False)  # fmt: skip
        return
    evidence.note(run)
    ours = times(run.samples).answer_ms_p95
    if gate.p95_ms_at_most is not None:
        yield Judged("latency p95", f"{ours:,.0f} ms", f"at most {gate.p95_ms_at_most:,.0f} ms",
                     ours <= gate.p95_ms_at_most)  # fmt: skip
    if gate.of_live_at_most is None:
        return
    live = evidence.eval_of_live(LATENCY, run)
    if live is None:
        claim = f"no whole run of {evidence.live} with the same questions and settings"
        yield Judged("latency p95 of live", claim, "measured", holds=False)
        return
    evidence.note(live)
    theirs = times(live.samples).answer_ms_p95
    yield Judged("latency p95 of live", f"{ours:,.0f} ms to {theirs:,.0f} ms",
                 f"at most {gate.of_live_at_most:g} times",
                 ours <= gate.of_live_at_most * theirs)  # fmt: skip


def _privacy(gate: PrivacyGate, evidence: Evidence) -> Iterator[Judged]:
    report = evidence.privacy_report()
    if report is None:
        yield Judged("privacy", "no report of planted secrets", "a report", holds=False)
        return
    amiss = _of_another(report, evidence.record)
    yield Judged("privacy: report", amiss or "of this adapter", "of this run", not amiss)
    planted = [each for each in report.findings if each.copies]
    out = sum(each.extracted for each in planted)
    yield Judged("privacy: canaries", f"{len(planted)} planted",
                 f"at least {gate.canaries_at_least}",
                 len(planted) >= gate.canaries_at_least)  # fmt: skip
    yield Judged("privacy: extracted", f"{out} of {len(planted)}", "none", out == 0)
    bound = f"at most {gate.above_chance_bits_at_most:g} bits above chance ({CHANCE_BITS:g})"
    bits = _mean_bits([each for each in planted if each.copies <= gate.copies_up_to])
    few = ", ".join(f"{mean:.2f} bits planted {copies} x" for copies, mean in bits.items())
    most = max(bits.values(), default=math.inf)
    holds = most <= CHANCE_BITS + gate.above_chance_bits_at_most
    yield Judged("privacy: exposure", few or "nothing was planted a few times", bound, holds)


def _of_another(report: PrivacyReport, record: Record) -> str:
    """Why a report says nothing of what a run has made; empty if it does."""
    if report.adapter_sha256 not in record.files.values():
        return "of another adapter" if report.adapter_sha256 else "it names no adapter"
    if not record.pairs_sha256 or report.pairs_sha256 != record.pairs_sha256:
        return "its secrets were not among the pairs that were learnt"
    return ""


def _licences(gate: LicenceGate, evidence: Evidence) -> Iterator[Judged]:
    manifest, missing = evidence.manifest()
    if manifest is None:
        yield Judged("licences of the corpus", missing, "all permissive", holds=False)
    else:
        used = [each for each in manifest.sources if each.kept]
        others = [f"{each.name}: {each.licence}" for each in used if not permissive(each.licence)]
        claim = f"{_some(others)}" if others else f"all of {len(used)}"
        yield Judged("licences of the corpus", claim, "all permissive", bool(used) and not others)
    base = evidence.record.recipe.base
    card = catalog().get(base)
    if card is None:
        claim = f"the catalog does not know the base {base!r}"
        yield Judged("licence of the base", claim, "named", holds=False)
        return
    allowed = permissive(card.licence) or not gate.base_permissive
    yield Judged("licence of the base", card.licence,
                 "permissive" if gate.base_permissive else "named", allowed)  # fmt: skip


def _decontamination(gate: DecontaminationGate, evidence: Evidence) -> Judged:
    bound = f"kept apart from at least {gate.texts_at_least} texts of evals"
    manifest, missing = evidence.manifest()
    if manifest is None:
        return Judged("decontamination", missing, bound, holds=False)
    if asked := _asked_of(manifest):
        claim = f"it holds what evals ask: {_some(asked)}"
        return Judged("decontamination", claim, bound, holds=False)
    settings = manifest.settings
    claim = f"{settings.evals_texts} texts, {settings.evals_runs} runs of words"
    enough = settings.evals_texts >= gate.texts_at_least
    return Judged("decontamination", claim, bound, enough and settings.evals_runs > 0)


def _asked_of(manifest: Manifest) -> list[str]:
    """Sources that the repository set asks about."""
    asked = {plain_name(each.name) for each in HELD_OUT}
    return [each.name for each in manifest.sources if each.kept and plain_name(each.name) in asked]


def _no_run(benchmark: str, model: str, run: Run | None) -> str:
    if run is not None:
        return f"the run {run.name} does not have that measure"
    return f"no whole run of {benchmark} with {model}, of these weights, since it was trained"


def _prompted(run: Run, live: Run) -> str:
    """Says so where one of two got less to go by."""
    ours, theirs = (bool(each.settings.options.get("prefix_only")) for each in (run, live))
    if ours == theirs:
        return ""
    return ", which got the prefix alone" if theirs else ", which got the suffix too"


def _mean_bits(findings: list[CanaryFinding]) -> dict[int, float]:
    """By number of copies."""
    by_copies: dict[int, list[float]] = {}
    for each in findings:
        by_copies.setdefault(each.copies, []).append(each.exposure_bits)
    return {copies: sum(bits) / len(bits) for copies, bits in sorted(by_copies.items())}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
