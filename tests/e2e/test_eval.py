"""A run of `hansa eval` that is killed goes on where it was."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.core.errors import HansaError
from hansa.core.files import user_state_dir
from hansa.evals.problems import load_problems

ENOUGH = 40
"""Answers after which the provider answers no more, until it is told to."""

LIMIT = 120


class Provider:
    def __init__(self) -> None:
        self.answered = 0
        self.stuck = asyncio.Event()
        self.free = False

    async def answer(self, _: web.Request) -> web.Response:
        if self.answered >= ENOUGH and not self.free:
            self.stuck.set()
            await asyncio.Event().wait()
        self.answered += 1
        return web.Response(
            body=b'data: {"choices":[{"text":"    return 1\\n"}]}\n\n',
            content_type="text/event-stream",
        )


@pytest.fixture
async def provider() -> AsyncIterator[tuple[Provider, str]]:
    provider = Provider()
    app = web.Application()
    app.router.add_post("/v1/completions", provider.answer)
    async with TestServer(app) as server:
        yield provider, str(server.make_url("/v1"))


async def test_a_killed_run_goes_on(provider: tuple[Provider, str], tmp_path: Path):
    try:
        load_problems(user_state_dir())
    except HansaError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    told, url = provider
    command = [
        sys.executable, "-m", "hansa.cli", "eval", "infill", "single-line", "--url", url,
        "--model", "m", "--limit", str(LIMIT), "--out", str(tmp_path / "run"), "--json",
    ]  # fmt: skip
    first = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    await told.stuck.wait()
    first.send_signal(signal.SIGKILL)
    await first.wait()
    kept = (tmp_path / "run" / "samples.jsonl").read_bytes().count(b"\n")
    assert 0 < kept <= ENOUGH
    told.free, told.answered = True, 0
    second = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await second.communicate()
    assert second.returncode == 0
    assert told.answered == LIMIT - kept
    assert json.loads(out)["settings"]["questions"] == LIMIT
    assert len((tmp_path / "run" / "samples.jsonl").read_bytes().splitlines()) == LIMIT
