"""`hansa audit` and `hansa tier`."""

import json
from pathlib import Path

import pytest

from hansa.accounts.audit import audit_path
from support.league import Made, MemberSpec, make_league


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_league(tmp_path / "league", (MemberSpec("acme"),), threshold=1)["acme"]


async def test_what_commands_did_is_on_record_without_secrets(run, made: Made):
    config = ("--config", str(made.config))
    secret = (await run("key", "create", "ada", "--tier", "pro", *config)).out.strip()
    [key] = json.loads((await run("key", "list", "--json", *config)).out)
    await run("key", "revoke", key["id"], *config)
    listed = json.loads((await run("audit", "list", "--json", *config)).out)
    assert [each["act"] for each in listed] == ["key_create", "key_revoke"]
    assert all(each["actor"].startswith("cli uid=") for each in listed)
    assert listed[0]["details"] == {"key": key["id"], "name": "ada", "tier": "pro"}
    plain = (await run("audit", "list", *config)).out
    assert plain.splitlines()[0].split() == ["WHEN", "WHO", "ACT", "DETAILS"]
    assert f"key {key['id']}; name ada" in plain
    assert secret not in audit_path(made.settings().state_dir).read_text()


async def test_a_changed_line_is_found(run, made: Made):
    config = ("--config", str(made.config))
    for name in ("ada", "bob", "eve"):
        await run("key", "create", name, *config)
    verified = await run("audit", "verify", *config)
    assert verified.code == 0
    assert verified.out.startswith("3 acts, head ")
    path = audit_path(made.settings().state_dir)
    path.write_text(path.read_text().replace("bob", "rob"))
    verified = await run("audit", "verify", *config)
    assert verified.code == 1
    assert "line 3" in verified.err


async def test_an_act_after_a_break_says_so_and_so_does_verify(run, made: Made):
    config = ("--config", str(made.config))
    for name in ("ada", "bob", "eve"):
        await run("key", "create", name, *config)
    path = audit_path(made.settings().state_dir)
    path.write_text(path.read_text().replace("bob", "rob"))
    created = await run("key", "create", "zoe", *config)
    assert created.code == 0
    assert "the audit log was damaged" in created.err
    assert len(created.out.splitlines()) == 1
    verified = await run("audit", "verify", *config)
    assert verified.code == 1
    assert verified.out.startswith("2 acts, head ")
    assert "line 3: it does not follow" in verified.err
    verified = await run("audit", "verify", "--json", *config)
    assert verified.code == 1
    assert len(json.loads(verified.out)["breaks"]) == 1


async def test_an_unfinished_line_is_said(run, made: Made):
    config = ("--config", str(made.config))
    await run("key", "create", "ada", *config)
    with audit_path(made.settings().state_dir).open("ab") as file:
        file.write(b'{"at_ms":')
    verified = await run("audit", "verify", *config)
    assert verified.code == 0
    assert "never finished (9 bytes)" in verified.err


async def test_a_node_without_acts_has_an_empty_log(run, made: Made):
    config = ("--config", str(made.config))
    assert (await run("audit", "verify", *config)).out.startswith("0 acts")
    assert (await run("audit", "list", "--json", *config)).out.strip() == "[]"


async def test_tiers_are_listed_as_configured(run, made: Made):
    table = '\n[tier.pro]\nrequests_per_minute = 7\nmonthly_spend_usd = "12.50"\n'
    made.config.write_text(made.config.read_text() + table)
    config = ("--config", str(made.config))
    lines = (await run("tier", "list", *config)).out.splitlines()
    assert lines[2].split() == ["pro", "7", "no", "limit", "$12.50"]
    assert lines[3].split() == ["team", *["no", "limit"] * 3]
    [free, pro, team] = json.loads((await run("tier", "list", "--json", *config)).out)
    assert free["requests_per_minute"] == 600
    assert pro["monthly_spend_nanousd"] == 12_500_000_000
    assert team == {
        "tier": "team", "requests_per_minute": 0, "tokens_per_minute": 0,
        "monthly_spend_nanousd": 0,
    }  # fmt: skip
