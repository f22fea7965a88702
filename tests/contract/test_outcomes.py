"""What an editor tells of a suggestion reaches the trial it was part of, and nobody else's."""

import json
from pathlib import Path

import aiohttp
import msgspec
import pytest

from hansa.core.settings import CanarySettings
from hansa.editor.connection import Connection
from hansa.editor.lsp.node import FoundNode
from hansa.league.chain import Chain, write_file
from hansa.league.charter import CharterFile, draft, sign
from hansa.models.catalog import DEFAULT_MODEL
from hansa.wire.requests import Request
from support.league import Made, MemberSpec, make_league
from support.nodes import running

CANDIDATE = "hansa-next"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    made = make_league(tmp_path, (MemberSpec("acme", "eu", ("r1",)),), threshold=1)["acme"]
    path = made.folder / "charter.json"
    old = Chain.load(path).current
    other = msgspec.structs.replace(old.models[0], model=CANDIDATE)
    charter = msgspec.structs.replace(old, models=(old.models[0], other))
    write_file(path, CharterFile((sign(draft(charter), made.root),)))
    return made


async def test_an_outcome_is_counted_for_whoever_asked(made: Made):
    canary = (CanarySettings(DEFAULT_MODEL, CANDIDATE, share=0.0),)
    settings = msgspec.structs.replace(made.settings(), canary=canary)
    async with running(settings) as node, aiohttp.ClientSession(node.url) as http:
        headers = {"authorization": f"Bearer {node.key}"}
        asked = {"model": DEFAULT_MODEL, "prompt": "x = "}
        async with http.post("/v1/completions", json=asked, headers=headers) as reply:
            request = reply.headers["hansa-request-id"]
            assert reply.headers["hansa-model"] == (await reply.json())["model"] == DEFAULT_MODEL
        for outcome, status, counted in (
            ({"request": request, "outcome": "accepted"}, 200, True),
            ({"request": "req-other", "outcome": "accepted"}, 200, False),
            ({"request": request, "outcome": "liked"}, 400, None),
            ({"request": request, "outcome": "accepted", "text": "x"}, 400, None),
        ):
            async with http.post("/hansa/v1/outcomes", json=outcome, headers=headers) as reply:
                assert reply.status == status
                assert (await reply.json()).get("counted") is counted
        async with http.post("/hansa/v1/outcomes", json={}) as reply:
            assert reply.status == 401
        async with http.get("/hansa/v1/node", headers=headers) as reply:
            [view] = json.loads(await reply.read())["canaries"]
    assert (view["live"]["shown"], view["live"]["accepted"]) == (1, 1)


async def test_an_editor_tells_the_node_that_it_found(made: Made):
    canary = (CanarySettings(DEFAULT_MODEL, CANDIDATE, share=0.0),)
    settings = msgspec.structs.replace(made.settings(), canary=canary)
    async with running(settings) as node:
        found = FoundNode(lambda: Connection(node.url, node.key))
        asked = Request("req-1", "complete", DEFAULT_MODEL, prefix="x = ")
        async with found.answer(asked) as answer:
            assert [chunk async for chunk in answer.chunks]
        await found.tell(answer.request_id, "shown")
        await found.tell(answer.request_id, "rejected")
        await found.close()
        [view] = node.node.trials.views()
    assert (view.live.shown, view.live.accepted) == (1, 0)
