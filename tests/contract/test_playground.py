"""The endpoints of the page Playground, over a real socket."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hansa.engines.mock import Mock
from hansa.wire.playground import TEXT_CHARS_MAX
from support.league import MemberSpec, make_league
from support.nodes import Running, new_key, running
from support.waiting import until

CODE = "def double(n):\n    return"
COMPLETE, NEXT = "/hansa/v1/playground/complete", "/hansa/v1/playground/next"


@pytest.fixture
async def up(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    async with running(made.settings()) as node:
        engine_of(node).pieces = (" n", " * 2", "\n")
        yield node


def engine_of(up: Running) -> Mock:
    engine = up.node.fleet.local["r1"].engine
    assert isinstance(engine, Mock)
    return engine


async def ask(up: Running, path: str, key: str | None = None, /, **body: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {up.key if key is None else key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(up.url + path, json=body) as reply,
    ):
        return reply.status, await reply.json()


async def complete(up: Running, text: str = CODE, **more: Any) -> dict[str, Any]:
    body = {"path": "a.py", "text": text, "cursor": len(text), **more}
    status, said = await ask(up, COMPLETE, **body)
    assert status == 200, said
    return dict(said)


async def test_a_suggestion_says_where_it_comes_from(up: Running) -> None:
    said = await complete(up)
    assert (said["text"], said["route"], said["cached"]) == (" n * 2", "solo/r1", False)
    assert said["latency_ms"] > 0
    assert said["confidence"] == 1.0
    request = engine_of(up).seen[-1]
    assert (request.task, request.policy.tier) == ("complete", "team")


async def test_typed_into_it_comes_from_the_cache(up: Running) -> None:
    first = await complete(up)
    rest = await complete(up, CODE + " n *")
    assert (rest["text"], rest["cached"], rest["id"]) == (" 2", True, first["id"])
    assert (rest["route"], rest["latency_ms"]) == ("", 0)
    assert len(engine_of(up).seen) == 1


async def test_a_rejected_one_is_not_shown_from_the_cache_again(up: Running) -> None:
    first = await complete(up)
    again = await complete(up, CODE + " n", rejected=first["id"])
    assert not again["cached"]
    assert len(engine_of(up).seen) == 2


async def test_keys_and_pages_share_no_suggestions(up: Running) -> None:
    await complete(up, page="one")
    assert not (await complete(up, page="two"))["cached"]
    other = new_key(up.node.settings)
    body = {"path": "a.py", "text": CODE, "cursor": len(CODE), "page": "one"}
    assert (await ask(up, COMPLETE, other, **body))[1]["cached"] is False
    assert (await complete(up, page="one"))["cached"]


async def test_the_cursor_counts_characters(up: Running) -> None:
    text = CODE.replace("double", "doppel_\N{GRINNING FACE}")
    assert (await complete(up, text))["text"] == " n * 2"
    assert engine_of(up).seen[-1].suffix == ""


async def test_an_empty_page_is_answered_without_a_model(up: Running) -> None:
    assert (await complete(up, " \n"))["text"] == ""
    assert engine_of(up).seen == []


async def test_the_first_place_of_a_text_is_a_place(up: Running) -> None:
    assert (await complete(up, cursor=0))["route"] in ("", "solo/r1")
    assert len(engine_of(up).seen) == 1


async def test_a_later_keystroke_of_a_page_gives_up_the_earlier(up: Running) -> None:
    engine = engine_of(up)
    engine.gate = asyncio.Event()
    earlier = asyncio.create_task(complete(up, page="one"))
    await until(lambda: len(engine.seen) == 1)
    later = asyncio.create_task(complete(up, CODE + " zz", page="one"))
    assert (await earlier)["text"] == ""
    await until(lambda: len(engine.seen) == 2)
    assert engine.cancelled == 1
    engine.gate.set()
    await later


async def test_a_page_that_goes_away_stops_the_engine(up: Running) -> None:
    engine = engine_of(up)
    engine.gate = asyncio.Event()
    asking = asyncio.create_task(complete(up))
    await until(lambda: len(engine.seen) == 1)
    asking.cancel()
    await until(lambda: engine.cancelled == 1)
    await until(lambda: up.node.answering.gate.in_flight == 0)


async def test_an_engine_that_hangs_is_given_up(
    up: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.playground.COMPLETE_S", 0.05)
    engine = engine_of(up)
    engine.gate = asyncio.Event()
    status, said = await ask(up, COMPLETE, path="a.py", text=CODE, cursor=len(CODE))
    assert (status, said["error"]["code"]) == (502, "engine_error")
    await until(lambda: engine.cancelled == 1)


async def test_the_next_edit_follows_a_rename(up: Running) -> None:
    before = "def add(a):\n    return a\n\n\nprint(add(1))\nprint(add(2))\n"
    now = before.replace("def add", "def plus")
    status, said = await ask(up, NEXT, path="a.py", before=before, now=now, line=1)
    assert status == 200
    assert [(each["line"], each["new"]) for each in said["edits"]] == [
        (5, "print(plus(1))"), (6, "print(plus(2))"),
    ]  # fmt: skip
    assert said["edits"][0] | {"old": "print(add(1))", "kind": "rename"} == said["edits"][0]
    assert "plus" in said["edits"][0]["why"]
    assert await ask(up, NEXT, path="a.py", before=now, now=now) == (200, {"edits": []})
    assert engine_of(up).seen == []


@pytest.mark.parametrize(
    ("path", "change", "named"),
    [
        (COMPLETE, {"cursor": 99}, "the cursor 99"),
        (COMPLETE, {"cursor": -1}, "cursor"),
        (COMPLETE, {"text": "x" * (TEXT_CHARS_MAX + 1)}, "text"),
        (COMPLETE, {"path": ""}, "path"),
        (COMPLETE, {"model": "x"}, "model"),
        (NEXT, {"line": 0}, "line"),
        (NEXT, {"now": "x" * (TEXT_CHARS_MAX + 1)}, "now"),
    ],
)
async def test_wrong_bodies_are_refused_by_name(
    up: Running, path: str, change: dict[str, Any], named: str
) -> None:
    right = {"path": "a.py", "text": "", "cursor": 0} if path == COMPLETE else {
        "path": "a.py", "before": "", "now": "",
    }  # fmt: skip
    status, said = await ask(up, path, **{**right, **change})
    assert status == 400
    assert named in said["error"]["message"]


@pytest.mark.parametrize("path", [COMPLETE, NEXT])
async def test_without_a_key_nothing_is_answered(up: Running, path: str) -> None:
    assert (await ask(up, path, "", path="a.py"))[0] == 401
    assert (await ask(up, path, "hansa-wrong", path="a.py"))[0] == 401


async def test_texts_that_would_take_long_to_compare_are_not(up: Running) -> None:
    before, now = "a = 1\nb = 2\n" * 2_500, "a = 1\nc = 2\n" * 2_500
    assert await ask(up, NEXT, path="a.py", before=before, now=now) == (200, {"edits": []})


async def test_next_edits_are_not_queued_without_end(
    up: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.playground.WAITING_MAX", 0)
    status, said = await ask(up, NEXT, path="a.py", before="a = 1", now="b = 1")
    assert (status, said["error"]["retryable"]) == (503, True)


async def test_sessions_are_bounded(up: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.playground.SESSIONS_MAX", 2)
    for page in ("one", "two", "three"):
        await complete(up, page=page)
    assert not (await complete(up, page="one"))["cached"]
    assert (await complete(up, page="three"))["cached"]


async def test_a_client_that_sends_half_a_body_and_leaves_costs_nothing(up: Running) -> None:
    host, _, port = up.url.removeprefix("http://").partition(":")
    head = f"POST {COMPLETE} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {up.key}\r\n"
    with socket.create_connection((host, int(port))) as half:
        half.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
    assert (await complete(up))["text"] == " n * 2"
    assert len(engine_of(up).seen) == 1
