"""`kill -9` under load, over HTTP: every answer that was seen has its receipt, exactly once."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import msgspec

from hansa.accounts.keys import KeyRing, keys_path
from hansa.core.clock import SystemClock
from support.league import MemberSpec, make_league
from support.nodes import NodeProcess, hansa
from support.waiting import until

ROUNDS = 3
ANSWERS = 300
WORKERS = 8


async def load_until_killed(node: NodeProcess, key: str) -> set[str]:
    """Ids of the requests whose answer arrived whole, until the node was killed under load."""
    seen: set[str] = set()
    url = f"{node.made.url}/v1/completions"
    body = {"model": "auto", "prompt": "x = "}
    headers = {"authorization": f"Bearer {key}"}

    async def worker(http: aiohttp.ClientSession) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                async with http.post(url, json=body, headers=headers) as reply:
                    assert reply.status == 200
                    await reply.read()
                    seen.add(reply.headers["hansa-request-id"])

    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        workers = [asyncio.create_task(worker(http)) for _ in range(WORKERS)]
        await until(lambda: len(seen) >= ANSWERS)
        node.kill()
        await asyncio.gather(*workers)
    return seen


def test_no_receipt_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),), threshold=1)["solo"]
    settings = made.settings()
    _, key = KeyRing(keys_path(settings.state_dir), SystemClock()).create("load", "team")
    seen: set[str] = set()
    for _ in range(ROUNDS):
        node = NodeProcess(made).wait_until()
        seen |= asyncio.run(load_until_killed(node, key))
    # A node that starts again takes in what the killed one had only in its journal.
    NodeProcess(made).wait_until().stop()
    done = hansa("receipts", "list", "--config", made.config, "--json")
    assert done.returncode == 0, done.stderr
    listed = [each["receipt"]["request"] for each in msgspec.json.decode(done.stdout)]
    assert len(seen) >= ROUNDS * ANSWERS
    assert seen <= set(listed)
    assert len(listed) == len(set(listed))
    assert hansa("receipts", "verify", "--config", made.config).returncode == 0
