"""Events are off until asked, bounded, without content, and erased without a trace."""

from pathlib import Path

import pytest

from hansa.core.errors import StorageError
from hansa.editor import events as module
from hansa.editor.distance import edit_distance
from hansa.editor.events import Event, Events


def event(kind: str = "shown", **more: int) -> Event:
    return Event(1, kind, "req-1", "python", 10, 1, 0.9, 80.0, False, **more)  # type: ignore[arg-type]  one of the kinds


def test_nothing_is_kept_and_no_file_made_until_asked(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.record(event())
    events.switch(on=False)
    assert (events.is_on(), list(events.all()), events.erase()) == (False, [], 0)
    assert list(tmp_path.iterdir()) == []


def test_on_off_and_what_was_kept_stays(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.switch(on=True)
    events.record(event())
    events.switch(on=False)
    events.record(event("accepted"))
    assert list(events.all()) == [event()]
    assert events.path.stat().st_mode & 0o077 == 0


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_MAX", 3)
    events = Events(tmp_path)
    events.switch(on=True)
    for seconds in range(5):
        events.record(event("kept", after_s=seconds, distance=0))
    assert [each.after_s for each in events.all()] == [2, 3, 4]


def test_erased_leaves_nothing_in_the_file(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.switch(on=True)
    events.record(event())
    assert b"req-1" in events.path.read_bytes()
    assert events.erase() == 1
    assert b"req-1" not in events.path.read_bytes()
    assert events.is_on()


def test_the_summary_weighs_by_characters(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.switch(on=True)
    for each in (event(), event(), event("accepted")):
        events.record(each)
    events.record(event("kept", after_s=30, distance=2))
    summary = events.summary()
    assert summary.accepted_share == 0.5
    assert summary.kept_share == {"30": pytest.approx(0.8)}


def test_a_damaged_file_is_said_to_be_so(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.path.parent.mkdir()
    events.path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(StorageError, match="delete it"):
        events.record(event())


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("abc", "abc", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("ab", "xaby", 2)],
)
def test_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance
