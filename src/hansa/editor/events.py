"""What became of suggestions, kept on this machine for whoever asks for it; off until then.

One SQLite file in the state directory. It holds numbers and a language's name: no code, no path,
no prompt. See docs/events.md.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import msgspec

from hansa.editor.owned import owned_database

EventKind = Literal["shown", "accepted", "partly_accepted", "rejected", "kept"]

EVENTS_MAX = 50_000
"""The oldest beyond it are erased."""

PLACE = ("editor", "events.db")
"""Below the state directory."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    suggestion TEXT NOT NULL, language TEXT NOT NULL, chars INTEGER NOT NULL,
    lines INTEGER NOT NULL, confidence REAL NOT NULL, latency_ms REAL NOT NULL,
    cached INTEGER NOT NULL, after_s INTEGER, distance INTEGER);
CREATE TABLE IF NOT EXISTS switch (id INTEGER PRIMARY KEY CHECK (id = 0), is_on INTEGER NOT NULL);
"""

_FIELDS = (
    "at_ms, kind, suggestion, language, chars, lines, confidence, latency_ms, cached, after_s, "
    "distance"
)


@dataclass(frozen=True, slots=True)
class Event:
    at_ms: int
    """Since the Unix epoch."""
    kind: EventKind
    suggestion: str
    """The id of the request that made it."""
    language: str
    """As the editor names it; may be empty."""
    chars: int
    """Of the suggestion; of the part that was taken, if only a part was."""
    lines: int
    confidence: float
    latency_ms: float
    cached: bool
    """Whether it was known before it was asked for."""
    after_s: int | None = None
    """With `kept`: how long after it was accepted."""
    distance: int | None = None
    """With `kept`: edit distance in characters from what was accepted to what stands there now."""


@dataclass(frozen=True, slots=True)
class Summary:
    on: bool
    path: str
    events: int
    counts: dict[str, int]
    """Suggestions by what became of them."""
    accepted_share: float | None
    """Of those shown; None if none was."""
    kept_share: dict[str, float]
    """By seconds after acceptance: how much of the accepted characters still stood."""


class Events:
    """The events of one state directory. Every call opens the file anew, so any thread may call."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir.joinpath(*PLACE)

    def switch(self, *, on: bool) -> None:
        """Begin or stop to keep events; those kept stay. Raises StorageError."""
        if not on and not self.path.exists():
            return
        with self._database(make=True) as database:
            database.execute("INSERT OR REPLACE INTO switch VALUES (0, ?)", (int(on),))

    def is_on(self) -> bool:
        """Whether events are kept. Raises StorageError."""
        if not self.path.exists():
            return False
        with self._database() as database:
            return _is_on(database)

    def record(self, event: Event) -> None:
        """Keep it if events are on; else do nothing. Raises StorageError."""
        if not self.path.exists():
            return
        with self._database() as database:
            if not _is_on(database):
                return
            row = database.execute(
                f"INSERT INTO event ({_FIELDS}) VALUES ({', '.join('?' * 11)})",  # noqa: S608  names of ours
                tuple(asdict(event).values()),
            )
            assert row.lastrowid is not None
            database.execute("DELETE FROM event WHERE id <= ?", (row.lastrowid - EVENTS_MAX,))

    def erase(self) -> int:
        """Forget all events, leaving none of their bytes in the file; how many there were."""
        if not self.path.exists():
            return 0
        with self._database() as database:
            count: int = database.execute("SELECT count(*) FROM event").fetchone()[0]
            database.execute("DELETE FROM event")
        with self._database() as database:
            database.execute("VACUUM")
        return count

    def all(self) -> Iterator[Event]:
        """Oldest first. Raises StorageError."""
        if not self.path.exists():
            return
        with self._database() as database:
            for row in database.execute(f"SELECT {_FIELDS} FROM event ORDER BY id"):  # noqa: S608  names of ours
                fields = dict(zip(_FIELDS.split(", "), row, strict=True))
                yield msgspec.convert(fields, Event, strict=False)

    def summary(self) -> Summary:
        counts = dict.fromkeys(get_args(EventKind), 0)
        chars: dict[str, int] = {}
        lost: dict[str, int] = {}
        for event in self.all():
            counts[event.kind] += 1
            if event.kind == "kept":
                after = str(event.after_s)
                chars[after] = chars.get(after, 0) + event.chars
                lost[after] = lost.get(after, 0) + min(event.distance or 0, event.chars)
        taken = counts["accepted"] + counts["partly_accepted"]
        return Summary(
            on=self.is_on(),
            path=str(self.path),
            events=sum(counts.values()),
            counts=counts,
            accepted_share=min(1.0, taken / counts["shown"]) if counts["shown"] else None,
            kept_share={each: 1 - lost[each] / chars[each] for each in chars if chars[each]},
        )

    def _database(self, *, make: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        return owned_database(self.path, _SCHEMA, make=make)


def _is_on(database: sqlite3.Connection) -> bool:
    row = database.execute("SELECT is_on FROM switch").fetchone()
    return bool(row and row[0])
