"""`hansa events`, as a person runs it."""

import json
from pathlib import Path

import pytest

from hansa.editor.events import Event, Events

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
    assert "2 events were erased" in (await run("events", "erase")).err
    assert (await run("events", "export")).out == ""
