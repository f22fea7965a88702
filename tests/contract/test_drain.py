"""A node that ends says so before it closes its port: `/ready`, every dialect, its peers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hansa.engines.mock import Mock
from hansa.engines.stand_in import StandIn
from support.league import Made, MemberSpec, make_league
from support.nodes import Running, met, new_key, node_process, running, status_of
from support.waiting import until

SAY = [{"role": "user", "content": "hi"}]
DIALECTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "chat": ("/v1/chat/completions", {"messages": SAY}, 503),
    "stream": ("/v1/chat/completions", {"messages": SAY, "stream": True}, 503),
    "completions": ("/v1/completions", {"prompt": "x"}, 503),
    "embeddings": ("/v1/embeddings", {"input": "x"}, 503),
    "responses": ("/v1/responses", {"input": "hi"}, 503),
    "anthropic": ("/v1/messages", {"messages": SAY, "max_tokens": 64}, 529),
    "mistral": ("/v1/fim/completions", {"prompt": "x"}, 503),
    "native": ("/hansa/v1/answer", {"id": "x", "task": "chat", "messages": SAY}, 503),
}
STREAMED = {"model": "auto", "prompt": "x", "max_tokens": 3, "stream": True}


@pytest.fixture
async def two(tmp_path: Path) -> dict[str, Made]:
    return make_league(tmp_path, (MemberSpec("acme", "eu", ("r1",)), MemberSpec("other")))


async def ready(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with http.get(f"{url}/ready") as reply:
        return reply.status, (await reply.json())["status"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_new_work_is_refused_in_its_dialect(fronting: Running, dialect: str) -> None:
    path, body, expected = DIALECTS[dialect]
    headers = {"authorization": f"Bearer {fronting.key}", "anthropic-version": "2023-06-01"}
    fronting.node.drain()
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(fronting.url + path, json={"model": "auto", **body}) as reply,
    ):
        said = await reply.json()
        assert reply.status == expected
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.headers["connection"] == "close"
    error = said if dialect == "mistral" else said["error"]
    assert "this node ends and takes nothing new" in error["message"]
    if dialect == "anthropic":
        assert (said["type"], said["error"]["type"]) == ("error", "overloaded_error")
    else:
        assert error["code"] == "node_draining"
    assert fronting.node.answering.gate.in_flight == 0


async def test_what_is_under_way_goes_on_and_ready_says_draining(two: dict[str, Made]) -> None:
    async with running(two["acme"].settings()) as up, aiohttp.ClientSession() as http:
        gate = asyncio.Event()
        up.node.fleet.local["r1"].engine = engine = Mock(("a", "b", "c"), gate=gate)
        await engine.start()
        headers = {"authorization": f"Bearer {up.key}"}
        assert await ready(http, up.url) == (200, "ready")
        url = f"{up.url}/v1/completions"
        async with http.post(url, json=STREAMED, headers=headers) as reply:
            assert reply.status == 200
            up.node.drain()
            assert await ready(http, up.url) == (503, "draining")
            async with http.get(f"{up.url}/health") as health:
                assert health.status == 200
            gate.set()
            said = await reply.text()
        assert said.endswith("data: [DONE]\n\n")
        assert said.count('"text":"') >= 3


async def test_peers_are_told_and_ask_nothing_of_it(two: dict[str, Made]) -> None:
    async with running(two["acme"].settings()) as acme, running(two["other"].settings()) as other:
        await met(other)
        acme.node.drain()
        view = other.node.fleet.peers["acme"]
        await until(lambda: view.status is not None and not view.status.replicas[0].ready)
        async with aiohttp.ClientSession() as http:
            assert await ready(http, other.url) == (503, "not_ready")


def a_process(made: Made, url: str, more: str) -> None:
    """Put a slow engine behind a node that takes `more` under `[listen]`."""
    text = made.config.read_text().replace("[listen]\n", f"[listen]\n{more}\n")
    text = text.replace('engine = "mock"', f'engine = "vllm"\nurl = "{url}"')
    made.config.write_text(text)


async def gone(url: str) -> bool:
    try:
        await asyncio.to_thread(status_of, url)
    except OSError:
        return True
    return False


async def test_sigterm_keeps_the_port_open_until_the_last_answer_has_ended(
    tmp_path: Path,
) -> None:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    engine = StandIn(pieces=("x",) * 100, write_bytes=200, pause_s=0.02)
    async with engine.serving() as url:
        a_process(made, url, "drain_s = 20")
        key = new_key(made.settings())
        with node_process(made) as node:
            await asyncio.to_thread(node.wait_until)
            async with aiohttp.ClientSession() as http:
                headers = {"authorization": f"Bearer {key}"}
                body = {**STREAMED, "max_tokens": 100}
                url = f"{made.url}/v1/completions"
                async with http.post(url, json=body, headers=headers) as reply:
                    await reply.content.readany()
                    node.process.terminate()
                    statuses = [await ready(http, made.url) for _ in range(20)]
                    assert statuses[-1] == (503, "draining")
                    async with http.post(url, json=body, headers=headers) as refused:
                        assert refused.status == 503
                    assert (await reply.text()).endswith("data: [DONE]\n\n")
            assert await asyncio.to_thread(node.process.wait, 15) == 0
            assert await gone(f"{made.url}/health")


async def test_a_drain_is_noticed_for_as_long_as_wished_though_nothing_is_under_way(
    tmp_path: Path,
) -> None:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    text = made.config.read_text()
    made.config.write_text(text.replace("[listen]\n", "[listen]\nnotice_s = 60\n"))
    with node_process(made) as node:
        await asyncio.to_thread(node.wait_until)
        node.process.terminate()
        async with aiohttp.ClientSession() as http:
            async with asyncio.timeout(30):
                while await ready(http, made.url) != (503, "draining"):
                    await asyncio.sleep(0)
        node.process.terminate()
        assert await asyncio.to_thread(node.process.wait, 15) == 0


async def test_every_line_of_the_log_is_json_also_when_an_answer_is_cut_off(
    tmp_path: Path,
) -> None:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    key = new_key(made.settings())
    async with StandIn(pieces=("x",) * 500, write_bytes=200, pause_s=0.05).serving() as url:
        a_process(made, url, "drain_s = 0")
        with node_process(made) as node:
            await asyncio.to_thread(node.wait_until)
            headers = {"authorization": f"Bearer {key}"}
            body = {**STREAMED, "max_tokens": 500}
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.post(f"{made.url}/v1/completions", json=body) as reply,
            ):
                await reply.content.readany()
                node.process.terminate()
                assert await asyncio.to_thread(node.process.wait, 15) == 0
    events = [json.loads(line)["event"] for line in node.log.read_text().splitlines()]
    assert events[0] == "node_listens"
    assert {"node_drains", "request_cut_off"} <= set(events)
    assert any("Cancel 1 running task" in each for each in events)
