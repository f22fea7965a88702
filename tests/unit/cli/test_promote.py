"""`hansa promote`: the table, the exit code, the signed file."""

import json
from pathlib import Path

import pytest

from support.league import Made, MemberSpec, make_league
from support.promotion import CANDIDATE, LIVE, Case, make_case, write_privacy


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_league(tmp_path / "league", (MemberSpec("acme"),), threshold=1)["acme"]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path / "case")


def arguments(case: Case, made: Made) -> list[str]:
    return [
        "promote", str(case.run), "--model", CANDIDATE, "--over", LIVE, "--gates", str(case.gates),
        "--corpus", str(case.corpus), "--state-dir", str(case.state), "--config", str(made.config),
    ]  # fmt: skip


async def test_a_good_candidate_is_promoted_and_signed(run, case: Case, made: Made):
    done = await run(*arguments(case, made))
    assert done.code == 0, done.err
    assert "promoted by acme" in done.out
    config = ("--config", str(made.config))
    checked = await run("promote", "--verify", str(case.run / "promotion.json"), *config)
    assert checked.code == 0
    assert "the signature is by a key of acme" in checked.out


async def test_a_leaking_candidate_is_refused_by_name(run, case: Case, made: Made):
    write_privacy(case, extracted=2)
    done = await run(*arguments(case, made), "--json")
    assert done.code == 1
    assert "privacy: extracted: 4 of 6" in done.err
    assert json.loads(done.out)["decision"] == "refused"


async def test_a_tampered_decision_is_found(run, case: Case, made: Made):
    await run(*arguments(case, made))
    path = case.run / "promotion.json"
    envelope = json.loads(path.read_text())
    envelope["payload"] = envelope["payload"][:-8] + envelope["payload"][-4:]
    path.write_text(json.dumps(envelope))
    checked = await run("promote", "--verify", str(path), "--config", str(made.config))
    assert checked.code != 0


async def test_the_gates_that_ship_are_found_outside_a_checkout(run, case: Case, made: Made):
    named = [each for each in arguments(case, made) if each not in ("--gates", str(case.gates))]
    done = await run(*named)
    assert done.code == 1, done.err
    assert "humaneval pass: no whole run" in done.err
    assert "privacy" not in (await run(*named, "--gates", "public-code")).err
    done = await run(*named, "--gates", "gone.toml")
    assert done.code == 2
    assert "all, public-code" in done.err


async def test_what_is_missing_is_said(run, case: Case):
    done = await run("promote", str(case.run))
    assert done.code == 2
    assert "--model and --over" in done.err


async def test_a_runs_card_is_drawn_up(run, case: Case):
    (case.run / "merged-q8_0.gguf").write_bytes(b"merged")
    where = ("--state-dir", str(case.state), "--corpus", str(case.corpus))
    done = await run("model", "card", str(case.run), *where)
    assert done.code == 0, done.err
    assert done.out == (case.run / "card.toml").read_text()
    assert f'id = "{CANDIDATE}"' in done.out
