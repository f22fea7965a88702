"""`hansa.deadline_ms`: every dialect refuses at once what cannot be answered in time."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hansa.engines.stand_in import StandIn
from support.league import MemberSpec, make_league
from support.nodes import Running, met, running
from support.waiting import until

MODEL = "auto"
SAY = [{"role": "user", "content": "hi"}]
LATE = {"hansa": {"deadline_ms": 100}}
DIALECTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "chat": ("/v1/chat/completions", {"messages": SAY, **LATE}, 503),
    "completions": ("/v1/completions", {"prompt": "x", "max_tokens": 64, **LATE}, 503),
    "responses": ("/v1/responses", {"input": "hi", **LATE}, 503),
    "anthropic": ("/v1/messages", {"messages": SAY, "max_tokens": 64, **LATE}, 529),
    "mistral": ("/v1/fim/completions", {"prompt": "x", "max_tokens": 64, **LATE}, 503),
    "native": (
        "/hansa/v1/answer", {"id": "x", "task": "chat", "messages": SAY, "deadline_ms": 100}, 503,
    ),
}  # fmt: skip


@pytest.fixture
async def up(fronting: Running) -> Running:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    return fronting


async def ask(up: Running, path: str, body: dict[str, Any]) -> tuple[int, str, str]:
    headers = {"authorization": f"Bearer {up.key}", "anthropic-version": "2023-06-01"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(up.url + path, json={"model": MODEL, **body}) as reply,
    ):
        return reply.status, await reply.text(), reply.headers.get("retry-after", "")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_cannot_be_answered_in_time_is_refused(
    up: Running, stand_in: StandIn, dialect: str
) -> None:
    path, body, expected = DIALECTS[dialect]
    up.node.fleet.local["r1"].busy = 9
    status, said, retry_after = await ask(up, path, body)
    assert status == expected
    assert "no replica can answer in" in said
    assert "the quickest, solo/r1, would take" in said
    if dialect == "anthropic":
        assert "overloaded_error" in said
    assert int(retry_after) > 2
    assert stand_in.seen == []


async def test_without_a_deadline_the_same_is_answered(up: Running) -> None:
    up.node.fleet.local["r1"].busy = 9
    assert (await ask(up, "/v1/completions", {"prompt": "x"}))[0] == 200
    status, _, _ = await ask(
        up, "/v1/completions", {"prompt": "x", "hansa": {"deadline_ms": 60_000}}
    )
    assert status == 200


async def test_one_that_waits_at_its_engine_leaves_when_its_time_is_over(
    up: Running, stand_in: StandIn
) -> None:
    stand_in.fault = "hang"
    body = {"prompt": "x", "max_tokens": 1, "hansa": {"deadline_ms": 400}}
    status, said, retry_after = await ask(up, "/v1/completions", body)
    assert (status, len(stand_in.seen)) == (503, 1)
    assert "before the deadline" in said
    assert retry_after
    assert up.node.answering.gate.in_flight == 0


async def test_another_members_node_is_told_and_refuses_too(tmp_path: Path) -> None:
    made = make_league(tmp_path, (MemberSpec("acme"), MemberSpec("bolt", replicas=("r1",))))
    async with running(made["acme"].settings()) as acme, running(made["bolt"].settings()) as bolt:
        await met(acme, bolt)
        bolt.node.fleet.local["r1"].decode_tokens_per_s = 1  # its status of before says otherwise
        body = {"prompt": "x", "max_tokens": 16, "hansa": {"deadline_ms": 1_000}}
        seen = await asyncio.gather(*(ask(acme, "/v1/completions", body) for _ in range(3)))
        assert {status for status, _, _ in seen} == {503}
        assert all("ms that are left" in said for _, said, _ in seen)
        assert not bolt.node.ledger.head().size
