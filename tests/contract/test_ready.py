"""`/ready` follows what the upstreams are, not what requests had to find out."""

import contextlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hansa.engines import watch
from hansa.engines.stand_in import StandIn
from hansa.models.catalog import DEFAULT_MODEL
from support.league import Made, MemberSpec, free_port, make_league
from support.nodes import Running, running
from support.waiting import until

DOWN = "its engine is down: cannot be reached: Connection refused"
HOSTED = "openai"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.engines.compatible.HOSTED_INTERVAL_S", 0.05)
    monkeypatch.setattr(watch, "DOUBT_PAUSE_S", 0.01)


def a_node(folder: Path, **urls: str) -> Made:
    """A node with a replica of each name at each address, as a provider's API."""
    made = make_league(folder, (MemberSpec("solo"),))["solo"]
    key = folder / "key"
    key.write_text("sk-test")
    written = made.config.read_text()
    for name, url in urls.items():
        written += (
            f'\n[[replica]]\nid = "{name}"\nmodel = "{DEFAULT_MODEL}"\nengine = "{HOSTED}"\n'
            f'url = "{url}"\napi_key_file = "{key}"\n'
        )
    made.config.write_text(written)
    return made


async def ready(up: Running) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{up.url}/ready") as reply:
        return reply.status, await reply.json()


def state(up: Running, replica: str) -> str:
    return up.node.fleet.local[replica].engine.state()


async def test_a_node_whose_only_upstream_is_dead_is_not_ready_although_nobody_asked(
    tmp_path: Path,
) -> None:
    made = a_node(tmp_path, r1=f"http://127.0.0.1:{free_port()}/v1")
    async with running(made.settings()) as up:
        await until(lambda: state(up, "r1") == "down")
        assert await ready(up) == (503, {"status": "not_ready", "replicas": {"solo/r1": DOWN}})
        assert up.node.fleet.local["r1"].breaker.failures == 0


async def test_a_node_that_has_another_stays_ready_and_says_which_is_down(
    tmp_path: Path,
) -> None:
    async with StandIn().serving() as url:
        made = a_node(tmp_path, r1=f"http://127.0.0.1:{free_port()}/v1", r2=url)
        async with running(made.settings()) as up:
            await until(lambda: state(up, "r1") == "down")
            replicas = {"solo/r1": DOWN, "solo/r2": "ready"}
            assert await ready(up) == (200, {"status": "ready", "replicas": replicas})


async def test_an_upstream_that_goes_and_comes_back_takes_readiness_with_it(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as first:
        stand_in = StandIn()
        url = await first.enter_async_context(stand_in.serving())
        async with running(a_node(tmp_path, r1=url).settings()) as up:
            assert (await ready(up))[0] == 200
            await first.aclose()
            await until(lambda: state(up, "r1") == "down")
            assert (await ready(up))[0] == 503
            async with stand_in.serving(int(url.split(":")[2].split("/")[0])):
                await until(lambda: state(up, "r1") == "ready")
                assert (await ready(up))[0] == 200
    assert stand_in.heads == []
