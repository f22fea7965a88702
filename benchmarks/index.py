"""`make bench NAME=index`: how long a repository takes to index and search; what searches miss.

Over a copy of the installed `rich`. The peer, run alternately, is SQLite's full-text search over
plain windows of the same files, asked the same words: no syntax tree, no names, no weights.
"""

import importlib.util
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from hansa.index.index import Index
from hansa.index.languages import outline
from hansa.index.words import query_words
from report import Claim, arguments, report

T = TypeVar("T")
Place = tuple[str, int, int]
"""Path, first line, last line."""

ROUNDS = 5
WINDOW_LINES = 40
SHOWN = 5

QUESTIONS = {
    "where is the table drawn": ("table.py", "Table.__rich_console__", "Table._render"),
    "how is markup parsed": ("markup.py", "_parse", "render"),
    "detect the width of the terminal": ("console.py", "Console.size", "Console.width"),
    "estimate the time remaining of a task": ("progress.py", "Task.time_remaining"),
    "highlight the syntax of code": ("syntax.py", "Syntax.highlight"),
    "measure the cell width of unicode text": ("cells.py", "cell_len", "_cell_len"),
    "render a traceback": ("traceback.py", "Traceback.__rich_console__"),
    "replace emoji names": ("_emoji_replace.py", "_emoji_replace"),
    "draw a spinner frame": ("spinner.py", "Spinner.render"),
    "export the console as html": ("console.py", "Console.export_html"),
    "pretty print json": ("json.py", "JSON", "JSON.__init__", "JSON.from_data"),
    "split a layout into columns": ("layout.py", "Layout.split_row", "Layout.split"),
    "refresh a live display from a thread": ("live.py", "_RefreshThread", "_RefreshThread.run"),
    "push a theme on the stack": ("theme.py", "ThemeStack", "ThemeStack.push_theme"),
    "ask the user for confirmation": ("prompt.py", "Confirm"),
}
"""The file a person would open, and the definitions there that answer. Written by the authors of
the index, who had read what it finds for similar questions."""


def main() -> None:
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        claims = _claims(_copy_of_rich(Path(folder)), Path(folder))
    report(claims, options.json)


def _claims(root: Path, folder: Path) -> list[Claim]:
    new_s, peer_s, again_s, asked_s, missed = [], [], [], [], []
    for number in range(ROUNDS):
        peer, took_s = _timed(lambda: _windows(root))
        peer_s.append(took_s)
        with Index.open(root, folder / f"state-{number}") as index:
            new_s.append(_timed(index.update)[1])
            again_s.append(_timed(index.update)[1])
            asked_s += [_timed(lambda each=each: index.search(each, SHOWN))[1]
                        for each in QUESTIONS]  # fmt: skip
            missed = list(_missed(root, lambda asked, index=index: _ours(index, asked)))
        missed_by_peer = list(_missed(root, lambda asked, peer=peer: _of_peer(peer, asked)))
        peer.close()
    of = f"of {len(QUESTIONS)}"
    claims = [
        Claim("rich from scratch", statistics.median(new_s), "s", 2),
        Claim("rich from scratch, plain windows", statistics.median(peer_s), "s"),
        Claim("an update when nothing changed", statistics.median(again_s) * 1000, "ms", 100),
        Claim("a search, the slowest", max(asked_s) * 1000, "ms", 50),
    ]
    for n, what in enumerate((f"file, in {SHOWN}", f"definition, in {SHOWN}", "definition, first")):
        ours, theirs = sum(row[n] for row in missed), sum(row[n] for row in missed_by_peer)
        claims += [
            Claim(f"missed: the {what}", ours, of, theirs),
            Claim(f"missed: the {what}, plain windows", theirs, of),
        ]
    return claims


def _missed(root: Path, ask: Callable[[str], list[Place]]) -> Iterator[tuple[bool, bool, bool]]:
    """For each question: was the file missed, the definition, the definition as first answer."""
    for question, (path, *names) in QUESTIONS.items():
        starts = [each.start_line for each in outline(path, (root / path).read_bytes())
                  if each.name in names]  # fmt: skip
        assert starts, f"rich has no {names} in {path} any more"
        places = ask(question)
        right = [at == path and any(first <= line <= last for line in starts)
                 for at, first, last in places]  # fmt: skip
        yield path not in [at for at, _, _ in places], not any(right), not any(right[:1])


def _ours(index: Index, question: str) -> list[Place]:
    snippets = [hit.snippet for hit in index.search(question, SHOWN)]
    return [(each.path, each.start_line, each.end_line) for each in snippets]


def _windows(root: Path) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE part USING fts5(path UNINDEXED, line UNINDEXED, text)")
    for path in sorted(root.rglob("*.py")):
        lines = path.read_text("utf-8").split("\n")
        name = path.relative_to(root).as_posix()
        database.executemany(
            "INSERT INTO part VALUES (?, ?, ?)",
            [(name, n + 1, "\n".join(lines[n : n + WINDOW_LINES]))
             for n in range(0, len(lines), WINDOW_LINES)],
        )  # fmt: skip
    return database


def _of_peer(database: sqlite3.Connection, question: str) -> list[Place]:
    match = " OR ".join(f'"{word}"' for word in query_words(question))
    rows = database.execute(
        "SELECT path, line FROM part WHERE part MATCH ? ORDER BY rank LIMIT ?", (match, SHOWN)
    )
    return [(path, line, line + WINDOW_LINES - 1) for path, line in rows]


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    began_s = time.perf_counter()
    return call(), time.perf_counter() - began_s


def _copy_of_rich(folder: Path) -> Path:
    spec = importlib.util.find_spec("rich")
    assert spec is not None
    assert spec.origin is not None
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(spec.origin).parent, folder / "rich", ignore=ignore))


if __name__ == "__main__":
    main()
