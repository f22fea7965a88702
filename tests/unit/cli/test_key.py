"""`hansa key`."""

import json
from pathlib import Path

import pytest

from hansa.accounts.keys import KeyRing, keys_path
from hansa.core.clock import SystemClock
from support.league import Made, MemberSpec, make_league


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_league(tmp_path / "league", (MemberSpec("acme"),), threshold=1)["acme"]


async def test_a_key_is_shown_once_listed_and_revoked(run, made: Made):
    config = ("--config", str(made.config))
    ran = await run("key", "create", "ada", "--tier", "pro", *config)
    assert ran.code == 0
    secret = ran.out.strip()
    ring = KeyRing(keys_path(made.settings().state_dir), SystemClock())
    key = ring.check(secret)
    assert (key.name, key.tier) == ("ada", "pro")
    assert f"{key.id} for ada, tier pro" in ran.err
    assert secret not in ran.err

    listed = await run("key", "list", *config)
    assert listed.out.splitlines()[0].split() == ["ID", "NAME", "TIER"]
    assert listed.out.splitlines()[1].split() == [key.id, "ada", "pro"]
    assert secret not in listed.out

    revoked = await run("key", "revoke", key.id, *config)
    assert (revoked.code, revoked.out) == (0, "")
    assert ring.all_keys() == []
    assert (await run("key", "revoke", key.id, *config)).code == 2


async def test_json(run, made: Made):
    config = ("--config", str(made.config))
    told = json.loads((await run("key", "create", "ada", "--json", *config)).out)
    assert told.keys() == {"id", "name", "tier", "key"}
    [listed] = json.loads((await run("key", "list", "--json", *config)).out)
    assert listed.keys() == {"id", "name", "tier", "created_at_ms"}
    assert told["key"] not in json.dumps(listed)


async def test_a_list_without_keys_has_its_head(run, made: Made):
    assert (await run("key", "list", "--config", str(made.config))).out.split() == [
        "ID", "NAME", "TIER",
    ]  # fmt: skip


async def test_without_a_configuration_the_message_says_so(run):
    ran = await run("key", "list")
    assert ran.code == 2
    assert "cannot read hansa.toml" in ran.err
    assert "--config" in ran.err


async def test_a_wrong_name_is_wrong_use(run, made: Made):
    ran = await run("key", "create", "\x1b[2J", "--config", str(made.config))
    assert ran.code == 2
    assert "\x1b" not in ran.err
