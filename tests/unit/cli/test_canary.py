"""`hansa rollback`: by hand, on record, and back again."""

import json
from pathlib import Path

import pytest

from hansa.models.catalog import DEFAULT_MODEL
from support.league import Made, MemberSpec, make_league


@pytest.fixture
def made(tmp_path: Path) -> Made:
    made = make_league(tmp_path / "league", (MemberSpec("acme"),), threshold=1)["acme"]
    canary = f'[[canary]]\nmodel = "{DEFAULT_MODEL}"\ncandidate = "hansa-next"\n'
    made.config.write_text(made.config.read_text() + canary)
    return made


async def test_a_candidate_is_taken_back_by_hand_and_let_try_again(run, made: Made):
    config = ("--config", str(made.config))
    done = await run("rollback", DEFAULT_MODEL, "--reason", "it swears", *config)
    assert done.code == 0, done.err
    assert done.out == f"hansa-next answers nobody any more in place of {DEFAULT_MODEL}\n"
    [kept] = json.loads((made.settings().state_dir / "canaries.json").read_text())
    assert (kept["candidate"], kept["reason"]) == ("hansa-next", "it swears")
    undone = json.loads((await run("rollback", "--undo", "--json", *config)).out)
    assert [each["candidate"] for each in undone] == ["hansa-next"]
    acts = json.loads((await run("audit", "list", "--json", *config)).out)
    assert [each["act"] for each in acts] == ["canary_rollback", "canary_resume"]
    assert all(each["actor"].startswith("cli uid=") for each in acts)


async def test_a_model_without_a_candidate_is_said(run, made: Made):
    done = await run("rollback", "codestral", "--config", str(made.config))
    assert done.code == 2
    assert "no candidate stands in for codestral" in done.err


async def test_a_share_beyond_half_is_refused(run, made: Made):
    made.config.write_text(made.config.read_text() + "share = 0.6\n")
    done = await run("rollback", "--config", str(made.config))
    assert done.code == 2
    assert "share is 0.6; it must be from 0 to 0.5" in done.err
