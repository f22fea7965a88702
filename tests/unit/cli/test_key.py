"""`hansa key`."""

import json
from pathlib import Path

import pytest

from hansa.accounts.keys import KeyRing, keys_path
from hansa.accounts.scopes import Scope
from hansa.core.clock import SystemClock
from hansa.models.catalog import DEFAULT_MODEL
from support.league import Made, MemberSpec, make_league

HEAD = ["ID", "NAME", "TIER", "SCOPE", "EXPIRES"]


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
    assert listed.out.splitlines()[0].split() == HEAD
    assert listed.out.splitlines()[1].split() == [key.id, "ada", "pro", "-", "-"]
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
    assert listed.keys() == {
        "id", "name", "tier", "created_at_ms", "models", "tasks", "residency", "expires_at_ms",
        "expired", "admin",
    }  # fmt: skip
    assert told["key"] not in json.dumps(listed)


async def test_a_key_for_a_model_that_nobody_offers_says_so(run, made: Made):
    models = ("--model", DEFAULT_MODEL, "--model", "nope")
    ran = await run("key", "create", "ada", *models, "--config", str(made.config))
    assert ran.code == 0
    assert "the charter has no model 'nope'" in ran.err
    assert DEFAULT_MODEL not in ran.err


async def test_a_list_without_keys_has_its_head(run, made: Made):
    assert (await run("key", "list", "--config", str(made.config))).out.split() == HEAD


async def test_without_a_configuration_the_message_says_so(run):
    ran = await run("key", "list")
    assert ran.code == 2
    assert "cannot read hansa.toml" in ran.err
    assert "--config" in ran.err


async def test_a_wrong_name_is_wrong_use(run, made: Made):
    ran = await run("key", "create", "\x1b[2J", "--config", str(made.config))
    assert ran.code == 2
    assert "\x1b" not in ran.err


async def test_a_key_can_be_held_to_models_tasks_places_and_a_time(run, made: Made):
    config = ("--config", str(made.config))
    ran = await run(
        "key", "create", "ci", "--model", "small", "--model", "large", "--task", "chat",
        "--residency", "eu", "--expires", "30d", *config,
    )  # fmt: skip
    assert ran.code == 0
    assert ", until 20" in ran.err
    [key] = KeyRing(keys_path(made.settings().state_dir), SystemClock()).all_keys()
    assert key.scope == Scope(("small", "large"), ("chat",), ("eu",))
    assert key.expires_at_ms is not None
    assert 0 <= key.created_at_ms + 30 * 86_400_000 - key.expires_at_ms < 60_000
    listed = (await run("key", "list", *config)).out.splitlines()[1]
    assert "models=small,large tasks=chat residency=eu  20" in listed


async def test_an_admin_key_says_so_in_the_list(run, made: Made):
    config = ("--config", str(made.config))
    assert (await run("key", "create", "root", "--admin", *config)).code == 0
    assert " admin " in (await run("key", "list", *config)).out
    [listed] = json.loads((await run("key", "list", "--json", *config)).out)
    assert listed["admin"] is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--expires", "soon"), "'soon' is no lifetime"),
        (("--model", "Two Words"), "'Two Words' is no name of a model"),
        (("--residency", "E U"), "'E U' is no jurisdiction"),
        (("--task", "dance"), "dance"),
    ],
)
async def test_a_wrong_scope_is_wrong_use(run, made: Made, options: tuple[str, ...], said: str):
    ran = await run("key", "create", "x", *options, "--config", str(made.config))
    assert ran.code == 2
    assert said in ran.err
    assert not keys_path(made.settings().state_dir).exists()
