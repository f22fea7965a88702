"""A candidate is let through only if every gate holds; what nobody can show is a refusal."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from hansa.assembly import trial_rules
from hansa.core.clock import SystemClock
from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.settings import CanarySettings
from hansa.core.signing import Envelope, SigningKey
from hansa.evals.store import runs_folder
from hansa.league.chain import Chain, write_file
from hansa.league.charter import CharterFile, draft, sign
from hansa.routing.canary import Rule
from hansa.training.canaries import COPIES, Finding, report
from hansa.training.promotion.decision import NAME, decide, read_decision, write_decision
from hansa.training.promotion.evidence import gather
from hansa.training.promotion.gates import SHIPPED, read_gates
from hansa.training.promotion.judging import judge, not_asked
from support.league import Made, MemberSpec, make_league
from support.promotion import (
    ADAPTER,
    CANDIDATE,
    GATES,
    LIVE,
    PAIRS_SHA256,
    REPORT_OF,
    Case,
    make_case,
    write_eval,
    write_manifest,
    write_privacy,
    write_record,
)
from support.repository import ROOT


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path / "case")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_league(tmp_path / "league", (MemberSpec("acme"),), threshold=1)["acme"]


def failed(case: Case, *, corpus: bool = True, charter_sha256: str = "") -> set[str]:
    gates, _ = read_gates(case.gates)
    evidence = gather(
        case.run, CANDIDATE, LIVE, case.state, corpus=case.corpus if corpus else None,
        charter_sha256=charter_sha256,
    )  # fmt: skip
    return {each.gate for each in judge(gates, evidence) if not each.holds}


def test_a_candidate_that_shows_everything_is_let_through(case: Case):
    assert failed(case) == set()


def test_a_worse_candidate_is_refused(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"infill-single-line-{CANDIDATE}")
    write_eval(case, "infill-single-line", CANDIDATE, right=range(5))
    assert failed(case) == {"infill-single-line exact", "infill-single-line exact - live"}


def test_one_that_is_no_better_is_refused_where_it_has_to_be_better(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"infill-single-line-{CANDIDATE}")
    write_eval(case, "infill-single-line", CANDIDATE, right=range(1, 22))
    assert failed(case) == {"infill-single-line exact - live"}


def test_a_slow_candidate_is_refused(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"latency-{CANDIDATE}")
    write_eval(case, "latency", CANDIDATE, total_ms=501)
    assert failed(case) == {"latency p95", "latency p95 of live"}


@pytest.mark.parametrize(
    ("extracted", "once_bits", "gate"),
    [(1, 1.5, "privacy: extracted"), (0, 3.5, "privacy: exposure")],
)
def test_a_leaking_candidate_is_refused(case: Case, extracted: int, once_bits: float, gate: str):
    write_privacy(case, extracted, once_bits)
    assert gate in failed(case)


@pytest.mark.parametrize(
    ("exposed", "extracted"), [(1.0, False), (3.0, False), (4.0, False), (1.0, True)]
)
def test_the_gate_agrees_with_the_report(case: Case, exposed: float, extracted: bool):
    findings = [
        Finding(copies, 1, exposed if copies == 4 else 1.4, extracted and copies == 16, 0)
        for copies in COPIES
        for _ in range(3)
    ]
    made = msgspec.structs.replace(report(findings), **REPORT_OF)
    (case.run / "privacy.json").write_bytes(msgspec.json.encode(made))
    assert bool(failed(case)) == made.leaks()


@pytest.mark.parametrize("changes", [{"adapter_sha256": "0b" * 32}, {"pairs_sha256": "0b" * 32}])
def test_a_report_of_another_run_shows_nothing(case: Case, changes: dict[str, str]):
    path = case.run / "privacy.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | changes))
    assert failed(case) == {"privacy: report"}


def test_secrets_that_were_not_learnt_show_nothing(case: Case):
    write_record(case, pairs_sha256="")
    path = case.run / "privacy.json"
    path.write_bytes(path.read_bytes().replace(PAIRS_SHA256.encode(), b""))
    assert failed(case) == {"privacy: report"}


def test_code_under_other_terms_is_refused(case: Case):
    write_manifest(case, licence="GPL-3.0-only")
    write_record(case)
    assert failed(case) == {"licences of the corpus"}


def test_a_corpus_that_was_not_kept_apart_from_evals_is_refused(case: Case):
    write_manifest(case, evals_texts=9)
    write_record(case)
    assert failed(case) == {"decontamination"}


def test_a_corpus_that_holds_what_evals_ask_is_refused(case: Case):
    write_manifest(case, source="SQLparse")
    write_record(case)
    assert failed(case) == {"decontamination"}


def test_a_manifest_that_ships_with_the_run_stands_for_the_corpus(case: Case):
    shutil.copy(case.corpus / "manifest.json", case.run / "corpus.json")
    assert failed(case, corpus=False) == set()


def test_another_corpus_shows_nothing(case: Case):
    write_manifest(case, evals_texts=200)
    assert failed(case) == {"licences of the corpus", "decontamination"}


def test_missing_evidence_is_refused_by_name(case: Case):
    (case.run / "privacy.json").unlink()
    shutil.rmtree(runs_folder(case.state))
    assert failed(case, corpus=False) == {
        "infill-single-line exact",
        "latency p95",
        "privacy",
        "licences of the corpus",
        "decontamination",
    }


def test_a_run_of_a_part_of_the_questions_is_no_evidence(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"latency-{CANDIDATE}")
    write_eval(case, "latency", CANDIDATE, total_ms=1, limit=100)
    assert failed(case) == {"latency p95"}


def test_an_eval_from_before_the_training_is_no_evidence(case: Case):
    result = runs_folder(case.state) / f"latency-{CANDIDATE}" / "result.json"
    os.utime(result, (999, 999))
    assert failed(case) == {"latency p95"}


def test_an_eval_of_other_weights_is_no_evidence(case: Case):
    for digest, missing in (("0b" * 32, {"latency p95"}), (sha256_hex(ADAPTER), set[str]())):
        shutil.rmtree(runs_folder(case.state) / f"latency-{CANDIDATE}")
        write_eval(case, "latency", CANDIDATE, total_ms=220.0, weights_sha256=digest)
        assert failed(case) == missing
    shutil.rmtree(runs_folder(case.state) / f"latency-{CANDIDATE}")
    write_eval(case, "latency", CANDIDATE, total_ms=220.0, weights_sha256="0c" * 32)
    assert failed(case, charter_sha256="0c" * 32) == set()


def test_live_has_to_be_asked_the_same_in_the_same_way(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"latency-{LIVE}")
    write_eval(case, "latency", LIVE, total_ms=200, of=50)
    assert failed(case) == {"latency p95 of live"}


def test_live_may_be_prompted_the_way_it_knows(case: Case):
    shutil.rmtree(runs_folder(case.state) / f"infill-single-line-{LIVE}")
    write_eval(case, "infill-single-line", LIVE, right=range(20), prefix_only=True)
    assert failed(case) == set()
    gates, _ = read_gates(case.gates)
    judged = judge(gates, gather(case.run, CANDIDATE, LIVE, case.state, corpus=case.corpus))
    assert any("which got the prefix alone" in each.claim for each in judged)


def test_a_run_whose_files_were_changed_is_refused(case: Case):
    (case.run / "adapter.gguf").write_bytes(ADAPTER + b"!")
    assert failed(case) == {"files of the run"}


def test_the_candidate_has_to_be_what_the_run_made(case: Case):
    case.gates.write_text(GATES.replace("bound = false", ""))
    assert failed(case) == {"candidate"}
    assert failed(case, charter_sha256="0" * 64) == {"candidate"}
    digest = write_record(case).files["adapter.gguf"]
    assert failed(case, charter_sha256=digest) == set()


def test_a_base_that_nobody_licences_is_refused(case: Case):
    record = write_record(case)
    write_record(case, recipe=msgspec.structs.replace(record.recipe, base="some/folder"))
    assert failed(case) == {"licence of the base"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "asks for no benchmark"),
        ('[[benchmark]]\nname = "b"\nmeasure = "pass"\n', "asks for nothing"),
        ('[[benchmark]]\nname = "b"\nmeasure = "sum"\n', "measure"),
        ("[privcy]\n", "privcy"),
    ],
)
def test_gates_that_cannot_be_meant_are_named(case: Case, text: str, said: str):
    case.gates.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_gates(case.gates)


def test_the_gates_that_ship_ask_for_everything():
    gates, _ = read_gates(SHIPPED["all"])
    assert not_asked(gates) == []
    assert gates.bound
    public, _ = read_gates(SHIPPED["public-code"])
    assert not_asked(public) == ["privacy"]
    assert public == msgspec.structs.replace(gates, privacy=None)
    for path in SHIPPED.values():
        assert (ROOT / "recipes" / path.name).read_bytes() == path.read_bytes()


def decided(case: Case, made: Made) -> Path:
    gates, digest = read_gates(case.gates)
    evidence = gather(case.run, CANDIDATE, LIVE, case.state, corpus=case.corpus)
    judged = judge(gates, evidence)
    decision = decide(evidence, judged, digest, not_asked(gates), "acme", SystemClock())
    path = case.run / NAME
    write_decision(path, decision, SigningKey.load(made.folder / "node.key"))
    return path


def test_a_decision_names_its_evidence_by_digest(case: Case, made: Made):
    decision = read_decision(decided(case, made), Chain.load(made.folder / "charter.json"))
    assert decision.decision == "promoted"
    names = {each.name for each in decision.evidence}
    assert names >= {"run.json", "privacy.json", "corpus/manifest.json", "run/adapter.gguf"}
    assert sum(name.endswith("samples.jsonl") for name in names) == 4


def test_a_node_tries_only_a_candidate_that_was_promoted(case: Case, made: Made):
    path = made.folder / "charter.json"
    old = Chain.load(path).current
    models = tuple(
        msgspec.structs.replace(old.models[0], model=each) for each in (LIVE, CANDIDATE, "other")
    )
    charter = msgspec.structs.replace(old, models=models)
    write_file(path, CharterFile((sign(draft(charter), made.root),)))
    chain, promotion = Chain.load(path), decided(case, made)

    def rules(candidate: str) -> list[Rule]:
        canary = (CanarySettings(LIVE, candidate, promotion=promotion),)
        return trial_rules(msgspec.structs.replace(made.settings(), canary=canary), chain)

    assert [each.candidate for each in rules(CANDIDATE)] == [CANDIDATE]
    with pytest.raises(ConfigError, match="other answers nobody"):
        rules("other")
    write_privacy(case, extracted=1)
    decided(case, made)
    with pytest.raises(ConfigError, match="was refused"):
        rules(CANDIDATE)


def test_a_decision_that_was_changed_is_found(case: Case, made: Made):
    write_privacy(case, extracted=1)
    path = decided(case, made)
    chain = Chain.load(made.folder / "charter.json")
    assert read_decision(path, chain).decision == "refused"
    envelope = msgspec.json.decode(path.read_bytes(), type=Envelope)
    better = envelope.body().replace(b'"refused"', b'"promoted"')
    forged = SigningKey.generate().seal(envelope.payload_type, better)
    for each in (msgspec.structs.replace(forged, signatures=envelope.signatures), forged):
        path.write_bytes(msgspec.json.encode(each))
        with pytest.raises(IntegrityError):
            read_decision(path, chain)
