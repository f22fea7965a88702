"""What code became after a suggestion, kept on this machine for training; off until asked by name.

A second consent beside that to events, in a file of its own. Only Python is kept, as only Python
can be made anonymous. See docs/events.md.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import msgspec

from hansa.editor.owned import owned_database

TEXTS_MAX = 2_000
"""The oldest beyond it are erased."""
AROUND_CHARS_MAX = 4_000
"""On each side of what settled."""
SETTLED_CHARS_MAX = 2_000
LANGUAGES = ("python",)
PLACE = ("editor", "texts.db")
"""Below the state directory."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS text (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, suggestion TEXT NOT NULL,
    language TEXT NOT NULL, accepted INTEGER NOT NULL, after_s INTEGER NOT NULL,
    before TEXT NOT NULL, suggested TEXT NOT NULL, settled TEXT NOT NULL, after TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS switch (id INTEGER PRIMARY KEY CHECK (id = 0), is_on INTEGER NOT NULL);
"""

_TOP = re.compile(r"(?<=\n)(?!(?:else|elif|except|finally|case)\b)[A-Za-z_@]")
"""Where a line begins a statement of the outermost level, as far as a line can tell."""


@dataclass(frozen=True, slots=True)
class SettledText:
    """What stood some seconds later where something was suggested."""

    at_ms: int
    """Since the Unix epoch."""
    suggestion: str
    """The id of the request that made it."""
    language: str
    accepted: bool
    """Whether it was; else it was dismissed."""
    after_s: int
    before: str
    """Code before it, from the beginning of a statement."""
    suggested: str
    settled: str
    after: str
    """Code after it, to the end of a statement."""


_FIELDS = tuple(field.name for field in fields(SettledText))
_NAMES = ", ".join(_FIELDS)


class Texts:
    """The texts of one state directory. Every call opens the file anew, so any thread may call."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir.joinpath(*PLACE)

    def switch(self, *, on: bool) -> None:
        """Begin or stop to keep texts; those kept stay. Raises StorageError."""
        if not on and not self.path.exists():
            return
        with self._database(make=True) as database:
            database.execute("INSERT OR REPLACE INTO switch VALUES (0, ?)", (int(on),))

    def is_on(self) -> bool:
        """Whether texts are kept. Raises StorageError."""
        if not self.path.exists():
            return False
        with self._database() as database:
            return _is_on(database)

    def record(self, text: SettledText) -> None:
        """Keep it if texts are on and it is of a kind that is kept. Raises StorageError."""
        if text.language not in LANGUAGES or not self.path.exists():
            return
        with self._database() as database:
            if not _is_on(database):
                return
            marks = ", ".join("?" * len(_FIELDS))
            row = database.execute(
                f"INSERT INTO text ({_NAMES}) VALUES ({marks})",  # noqa: S608  names of ours
                tuple(asdict(text).values()),
            )
            assert row.lastrowid is not None
            database.execute("DELETE FROM text WHERE id <= ?", (row.lastrowid - TEXTS_MAX,))

    def erase(self) -> int:
        """Forget all texts, leaving none of their bytes in the file; how many there were."""
        if not self.path.exists():
            return 0
        with self._database() as database:
            count: int = database.execute("SELECT count(*) FROM text").fetchone()[0]
            database.execute("DELETE FROM text")
        with self._database() as database:
            database.execute("VACUUM")
        return count

    def all(self) -> Iterator[SettledText]:
        """Oldest first. Raises StorageError."""
        if not self.path.exists():
            return
        with self._database() as database:
            for row in database.execute(f"SELECT {_NAMES} FROM text ORDER BY id"):  # noqa: S608  names of ours
                yield msgspec.convert(
                    dict(zip(_FIELDS, row, strict=True)), SettledText, strict=False
                )

    def _database(self, *, make: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        return owned_database(self.path, _SCHEMA, make=make)


def around(text: str, start: int, end: int) -> tuple[str, str] | None:
    """Whole statements before and after a place, so that they can be read without the rest.

    None if what settled there is too long, or stands too far inside of one statement.
    """
    if end - start > SETTLED_CHARS_MAX:
        return None
    begin = max(0, start - AROUND_CHARS_MAX)
    if begin:
        found = _TOP.search(text, begin, start)
        if found is None:
            return None
        begin = found.start()
    finish = min(len(text), end + AROUND_CHARS_MAX)
    if finish < len(text):
        tops = [found.start() for found in _TOP.finditer(text, end, finish)]
        if not tops:
            return None
        finish = tops[-1]
    return text[begin:start], text[end:finish]


def _is_on(database: sqlite3.Connection) -> bool:
    row = database.execute("SELECT is_on FROM switch").fetchone()
    return bool(row and row[0])
