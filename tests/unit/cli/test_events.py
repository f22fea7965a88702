"""`hansa events`, as a person runs it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.editor.events import Event, Events
from hansa.editor.texts import SettledText, Texts
from hansa.training.pairs import read_pairs

KEPT = Event(1, "kept", "req-1", "python", 10, 1, 0.9, 80.0, False, 30, 1)
SHOWN = Event(1, "shown", "req-1", "python", 10, 1, 0.9, 80.0, False)


@pytest.fixture(autouse=True)
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    return Events(tmp_path / "state")


async def test_off_until_asked_and_off_again(run, events: Events) -> None:
    assert (await run("events", "show")).out.startswith("events          off; 0 in ")
    assert not events.path.exists()
    said = await run("events", "on")
    assert (said.code, said.out) == (0, "")
    assert str(events.path) in said.err
    events.record(SHOWN)
    await run("events", "off")
    events.record(SHOWN)
    assert list(events.all()) == [SHOWN]


async def test_show_export_erase(run, events: Events) -> None:
    events.switch(on=True)
    events.record(SHOWN)
    events.record(KEPT)
    shown = (await run("events", "show")).out
    assert "90% of the accepted characters stood 30 s later" in shown
    summed = json.loads((await run("events", "show", "--json")).out)
    assert (summed["on"], summed["events"], summed["counts"]["shown"]) == (True, 2, 1)
    lines = (await run("events", "export")).out.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["shown", "kept"]
    assert "2 events and 0 texts were erased" in (await run("events", "erase")).err
    assert (await run("events", "export")).out == ""


TEXT = SettledText(
    1, "req-1", "python", True, 30, "import acme\n\ncargo_total = ", "sum(cargo)",
    "sum(cargo, acme.ZQ_RATE)", "\n",
)  # fmt: skip


async def test_texts_need_a_word_of_their_own(run, tmp_path: Path) -> None:
    texts = Texts(tmp_path / "state")
    await run("events", "on")
    assert not texts.path.exists()
    said = await run("events", "on", "--texts")
    assert str(texts.path) in said.err
    texts.record(TEXT)
    assert "texts           on; 1" in (await run("events", "show")).out
    await run("events", "off")
    assert not texts.is_on()
    assert "0 events and 1 texts were erased" in (await run("events", "erase")).err
    assert list(texts.all()) == []


@dataclass
class Filler:
    """A node whose model fills in what it is told to, in turn."""

    texts: list[str] = field(default_factory=list[str])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "big"}]})

    async def complete(self, request: web.Request) -> web.Response:
        self.asked.append(msgspec.json.decode(await request.read()))
        begins = self.asked[-1].get("hansa", {}).get("begins", "")
        event = {"choices": [{"text": begins + self.texts[len(self.asked) % len(self.texts)]}]}
        data = b"data: " + msgspec.json.encode(event) + b"\n\ndata: [DONE]\n\n"
        return web.Response(body=data, content_type="text/event-stream")


@pytest.fixture
async def filler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Filler]:
    node, app = Filler(), web.Application()
    app.router.add_get("/v1/models", node.models)
    app.router.add_post("/v1/completions", node.complete)
    async with TestServer(app) as server:
        monkeypatch.setenv("HANSA_NODE_URL", str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("HANSA_API_KEY", "hk-1")
        yield node


async def test_samples_of_a_model_decide_which_pairs_are_kept(run, tmp_path: Path, filler: Filler):
    texts = Texts(tmp_path / "state")
    texts.switch(on=True)
    texts.record(TEXT)
    ask = ("events", "pairs", "--samples", "3", "--model", "big")
    filler.texts = ["sum(basin, amber.BASIN_CEDAR)"]
    easy = await run(*ask)
    assert "1 left out: too easy" in easy.out, easy.err
    assert len(filler.asked) == 3
    assert len({each["seed"] for each in filler.asked}) == 3
    assert {each["model"] for each in filler.asked} == {"big"}
    assert all(each["temperature"] > 0 for each in filler.asked)
    for word in ("acme", "cargo", "zq", "req-1"):
        assert word not in str(filler.asked).lower(), "only the anonymous pair is sent"
    filler.texts = ["print()"]
    assert ">>>sum(basin, amber.BASIN_CEDAR)<<<" in (await run(*ask)).out
    filler.asked.clear()
    await run("events", "pairs")
    assert filler.asked == [], "without --samples nobody is asked"


async def test_samples_of_nobody_are_said(
    run, tmp_path: Path, filler: Filler, monkeypatch: pytest.MonkeyPatch
):
    gone = await run("events", "pairs", "--samples", "2", "--model", "small")
    assert gone.code == 2
    assert "offers no small" in gone.err
    assert "there are: big" in gone.err
    gone = await run("events", "pairs", "--samples", "2", "--node", "http://127.0.0.1:9")
    assert gone.code == 2
    assert "nobody can be asked for samples" in gone.err
    assert "hansa up" in gone.err
    for name in ("HANSA_NODE_URL", "HANSA_API_KEY"):
        monkeypatch.delenv(name)
    gone = await run("events", "pairs", "--samples", "2")
    assert (gone.code, "no node is known here" in gone.err) == (2, True)


async def test_pairs_are_shown_and_written_anonymous(run, tmp_path: Path) -> None:
    texts = Texts(tmp_path / "state")
    texts.switch(on=True)
    texts.record(TEXT)
    shown = await run("events", "pairs")
    assert ">>>sum(basin, amber.BASIN_CEDAR)<<<" in shown.out
    assert "--out" in shown.err
    out = tmp_path / "pairs.jsonl"
    await run("events", "pairs", "--out", str(out))
    [pair] = read_pairs(out)
    assert (pair.target, pair.suggestion) == ("sum(basin, amber.BASIN_CEDAR)", "sum(basin)")
    for word in ("acme", "cargo", "zq", "req-1"):
        assert word not in out.read_text().lower()
    assert out.stat().st_mode & 0o077 == 0
