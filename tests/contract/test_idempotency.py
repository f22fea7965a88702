"""`Idempotency-Key`: one generation, one receipt, the same answer."""

import asyncio

import aiohttp
import pytest

from hansa.engines.stand_in import StandIn
from support.nodes import Running
from support.waiting import until

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def ask(
    up: Running, name: str, body: dict[str, object], key: str = ""
) -> tuple[int, bytes, str]:
    headers = {"authorization": f"Bearer {key or up.key}", "idempotency-key": name}
    url = f"{up.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as reply:
        return reply.status, await reply.read(), reply.headers.get("retry-after", "")


@pytest.fixture
async def up(fronting: Running) -> Running:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    return fronting


@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_request_again_is_answered_as_before(
    up: Running, stand_in: StandIn, stream: bool
) -> None:
    first = await ask(up, "k1", {**CHAT, "stream": stream})
    again = await ask(up, "k1", {**CHAT, "stream": stream})
    assert first == again
    assert first[0] == 200
    assert len(stand_in.seen) == 1
    assert len(await up.node.ledger.entries()) == 1


async def test_another_request_under_the_same_key_is_refused(up: Running) -> None:
    await ask(up, "k1", CHAT)
    status, body, _ = await ask(up, "k1", {**CHAT, "max_tokens": 2})
    assert status == 422
    assert b"idempotency_mismatch" in body


async def test_while_it_is_answered_the_second_has_to_wait(up: Running, stand_in: StandIn) -> None:
    stand_in.write_bytes, stand_in.pause_s = 40, 0.1
    first = asyncio.create_task(ask(up, "k1", CHAT))
    await until(lambda: stand_in.open == 1)
    status, _, retry_after = await ask(up, "k1", CHAT)
    assert (status, retry_after != "") == (409, True)
    stand_in.pause_s = 0
    assert (await first)[0] == 200


async def test_what_failed_may_be_tried_again(up: Running, stand_in: StandIn) -> None:
    stand_in.fault = "refuse"
    assert (await ask(up, "k1", CHAT))[0] == 503
    up.node.fleet.local["r1"].breaker.worked()
    stand_in.fault = "error_event"
    assert (await ask(up, "k2", {**CHAT, "stream": True}))[0] == 200
    stand_in.fault = ""
    assert (await ask(up, "k1", CHAT))[0] == 200
    assert b"out of memory" not in (await ask(up, "k2", {**CHAT, "stream": True}))[1]


async def test_a_key_is_its_callers_own(up: Running, stand_in: StandIn) -> None:
    await ask(up, "k1", CHAT)
    status, body, _ = await ask(up, "k1", CHAT, key="wrong")
    assert status == 401
    assert b"Hello" not in body
    assert len(stand_in.seen) == 1
