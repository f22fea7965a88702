"""The admin API over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
import structlog.testing

from hansa.accounts.audit import audit_path
from hansa.accounts.keys import KeyRing, keys_path
from hansa.core.clock import SystemClock
from hansa.core.months import month_of
from support.league import MemberSpec, make_league
from support.nodes import Running, hansa, running

KEYS = "/hansa/v1/admin/keys"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))
    async with running(made["solo"].settings()) as up:
        yield up


def admin_of(node: Running) -> "Admin":
    ring = KeyRing(keys_path(node.node.settings.state_dir), SystemClock())
    return Admin(node, ring.create("root", "team", admin=True)[1])


class Admin:
    """Asks a node's admin API."""

    def __init__(self, node: Running, key: str) -> None:
        self._url, self._headers = node.url, {"authorization": f"Bearer {key}"}

    async def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(headers=self._headers) as http,
            http.request(method, self._url + path, json=body) as reply,
        ):
            return reply.status, await reply.json()


@pytest.fixture
def admin(node: Running) -> Admin:
    return admin_of(node)


async def test_a_key_is_made_used_listed_and_revoked(node: Running, admin: Admin):
    wish = {"name": "ci", "tier": "pro", "tasks": ["chat"], "residency": ["eu"], "expires": "30d"}
    status, made = await admin("POST", KEYS, wish)
    assert status == 201
    assert made.keys() == {"id", "name", "tier", "key"}
    ask = Admin(node, made["key"])
    assert (await ask("GET", "/v1/models"))[0] == 200
    status, listed = await admin("GET", KEYS)
    [view] = [each for each in listed["keys"] if each["id"] == made["id"]]
    assert (view["tasks"], view["residency"], view["admin"]) == (["chat"], ["eu"], False)
    assert not view["expired"]
    assert made["key"] not in str(listed)
    assert "sha256" not in view
    status, gone = await admin("DELETE", f"{KEYS}/{made['id']}")
    assert (status, gone["id"]) == (200, made["id"])
    assert (await ask("GET", "/v1/models"))[0] == 401
    assert (await admin("DELETE", f"{KEYS}/{made['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", KEYS), ("GET", KEYS), ("DELETE", f"{KEYS}/key-1"),
        ("GET", "/hansa/v1/admin/usage"), ("GET", "/hansa/v1/admin/audit"),
        ("POST", "/hansa/v1/admin/drain"),
    ],
)  # fmt: skip
async def test_other_keys_may_not(node: Running, method: str, path: str):
    status, body = await Admin(node, node.key)(method, path, {"name": "mine"})
    assert (status, body["error"]["code"]) == (403, "key_scope")
    assert "scope: admin" in body["error"]["message"]
    assert (await Admin(node, "wrong")(method, path))[0] == 401


async def test_usage_of_a_month(node: Running, admin: Admin):
    ask = Admin(node, node.key)
    for _ in range(3):
        assert (await ask("POST", "/v1/completions", {"model": "auto", "prompt": "x"}))[0] == 200
    status, usage = await admin("GET", "/hansa/v1/admin/usage")
    assert status == 200
    assert usage["month"] == month_of(SystemClock().now_ms())
    [account] = usage["accounts"]
    assert (account["name"], account["requests"]) == ("tests", 3)
    assert account["amount_nanousd"] > 0
    assert await admin("GET", "/hansa/v1/admin/usage?month=2001-01") == (
        200,
        {"month": "2001-01", "accounts": []},
    )
    assert (await admin("GET", "/hansa/v1/admin/usage?month=soon"))[0] == 400


async def test_every_act_is_in_the_audit_log(node: Running, admin: Admin):
    _, made = await admin("POST", KEYS, {"name": "ci"})
    await admin("DELETE", f"{KEYS}/{made['id']}")
    status, log = await admin("GET", "/hansa/v1/admin/audit?limit=2")
    assert status == 200
    assert [each["act"] for each in log["entries"]] == ["key_create", "key_revoke"]
    assert all(each["actor"].startswith("key-") for each in log["entries"])
    assert (log["total"], log["torn_bytes"]) == (3, 0)
    assert made["key"] not in str(log)
    assert (await admin("GET", "/hansa/v1/admin/audit?limit=0"))[0] == 400
    path = audit_path(node.node.settings.state_dir)
    path.write_text(path.read_text().replace('"ci"', '"no"'))
    status, body = await admin("GET", "/hansa/v1/admin/audit")
    assert (status, body["error"]["code"]) == (403, "integrity_error")


@pytest.mark.parametrize("garbage", [b"\xff\n", b'{"at_ms":'])
async def test_a_node_serves_although_its_audit_log_was_damaged(tmp_path: Path, garbage: bytes):
    settings = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"].settings()
    async with running(settings) as node:
        await admin_of(node)("POST", KEYS, {"name": "ci"})
    with audit_path(settings.state_dir).open("ab") as file:
        file.write(garbage)
    with structlog.testing.capture_logs() as logs:
        async with running(settings) as node:
            ask = Admin(node, node.key)
            body = {"model": "auto", "prompt": "x"}
            assert (await ask("POST", "/v1/completions", body))[0] == 200
            assert (await admin_of(node)("POST", KEYS, {"name": "more"}))[0] == 201
            status, log = await admin_of(node)("GET", "/hansa/v1/admin/audit")
    assert status == 200
    assert log["entries"][-1]["details"]["name"] == "more"
    assert "audit_log_damaged" in {each["event"] for each in logs}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "name"),
        ({"name": "x", "tier": "gold"}, "tier"),
        ({"name": "x", "tasks": ["dance"]}, "tasks"),
        ({"name": "x", "expires": "soon"}, "lifetime"),
        ({"name": "a\nb"}, "no name for a key"),
        ({"name": "x", "admn": True}, "admn"),
    ],
)
async def test_wrong_wishes(admin: Admin, body: object, said: str):
    status, answer = await admin("POST", KEYS, body)
    assert status == 400
    assert said in answer["error"]["message"]


async def test_a_node_that_nobody_can_drain_says_so(admin: Admin):
    status, body = await admin("POST", "/hansa/v1/admin/drain")
    assert (status, body["error"]["code"]) == (400, "unsupported")


async def test_a_drain_is_begun_and_on_record(tmp_path: Path):
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))
    begun: list[str] = []
    async with running(made["solo"].settings(), drain=lambda: begun.append("drain")) as node:
        admin = admin_of(node)
        assert await admin("POST", "/hansa/v1/admin/drain") == (202, {"status": "draining"})
        _, log = await admin("GET", "/hansa/v1/admin/audit?limit=1")
    assert begun == ["drain"]
    assert log["entries"][0]["act"] == "drain"


async def test_the_command_drains_a_node_with_an_admin_key(tmp_path: Path):
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))
    begun: list[str] = []
    async with running(made["solo"].settings(), drain=lambda: begun.append("drain")) as node:
        file = tmp_path / "key"
        ring = KeyRing(keys_path(node.node.settings.state_dir), SystemClock())
        command = ("node", "drain", "--node", node.url, "--key-file", file)
        file.write_text(node.key)
        refused = await asyncio.to_thread(hansa, *command)
        assert (refused.returncode, begun) == (1, [])
        assert "scope: admin" in refused.stderr
        file.write_text(ring.create("root", "team", admin=True)[1])
        drained = await asyncio.to_thread(hansa, *command)
    assert (drained.returncode, drained.stdout, begun) == (0, "", ["drain"])
    assert "takes nothing new" in drained.stderr


async def test_the_limits_a_node_starts_with_are_on_record(node: Running, admin: Admin):
    _, log = await admin("GET", "/hansa/v1/admin/audit")
    [entry] = log["entries"]
    assert (entry["actor"], entry["act"]) == ("node", "tier_limits")
    assert entry["details"]["team"] == "no limit / no limit / no limit"
