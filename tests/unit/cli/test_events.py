"""`hansa events`, as a person runs it."""

import json
from pathlib import Path

import pytest

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
