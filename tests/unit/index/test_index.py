"""Updating and asking: only what changed is read, and any text is a valid query."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.core.errors import NotFound, StorageError, UserError
from hansa.index import walk
from hansa.index.index import Index, IndexReport

TABLE = "class Table:\n    def draw(self):\n        return self.rows\n"
FILES: dict[str, str | bytes] = {
    "table.py": TABLE,
    "money.py": "def add_cents(a, b):\n    return a + b\n",
    "tests/test_table.py": "def test_draw():\n    assert Table().draw()\n",
    "notes.md": "# Notes\n\nThe table is drawn row by row.\n",
    "blob.bin": b"\x00\x01",
    "old.txt": "é".encode("latin-1"),
}


def done(report: IndexReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


def test_a_new_repository(lay, open_index) -> None:
    root = lay(FILES)
    index = open_index()
    seen: list[tuple[int, int]] = []
    report = index.update(lambda at, total: seen.append((at, total)))
    assert (report.files, done(report)) == (4, (4, 0, 0))
    assert report.skipped == {"binary": 1, "not UTF-8": 1}
    assert seen == [(n, 6) for n in range(1, 7)]
    status = index.status()
    assert (status.root, status.files, status.chunks) == (str(root), 4, report.chunks)
    assert (status.definitions, status.references) == (5, 7)
    assert status.languages == {"python": 3, "markdown": 1}
    assert status.behind == 0
    assert status.bytes > 0
    assert status.checked_s > 0


def test_nothing_changed_reads_nothing(lay, open_index, monkeypatch) -> None:
    lay(FILES)
    index = open_index()
    first = index.update()
    monkeypatch.setattr(walk.Walk, "read", None)
    again = index.update()
    assert done(again) == (0, 0, 0)
    assert (again.files, again.chunks, again.skipped) == (first.files, first.chunks, first.skipped)


def test_what_changed_is_taken_in_and_what_went_is_gone(lay, open_index) -> None:
    root = lay(FILES)
    index = open_index()
    index.update()
    (root / "table.py").write_text("class Grid:\n    pass\n\n\nclass Chart:\n    pass\n")
    (root / "money.py").unlink()
    (root / "new.rs").write_text("fn measure() -> u8 { 1 }\n")
    assert done(index.update()) == (1, 1, 1)
    assert index.definitions("Table") == []
    assert index.search("add_cents", 5) == []
    assert [hit.snippet.path for hit in index.definitions("Grid")] == ["table.py"]
    assert [hit.snippet.path for hit in index.search("measure", 1)] == ["new.rs"]


def test_a_file_only_touched_is_not_indexed_again(lay, open_index) -> None:
    root = lay(FILES)
    index = open_index()
    index.update()
    os.utime(root / "table.py", ns=(1, 1))
    assert done(index.update()) == (0, 0, 0)


def test_a_file_that_turns_unfit_and_back(lay, open_index) -> None:
    root = lay(FILES)
    index = open_index()
    index.update()
    (root / "table.py").write_bytes(b"\x00" + TABLE.encode())
    report = index.update()
    assert (done(report), report.skipped["binary"]) == ((0, 0, 1), 2)
    assert index.definitions("Table") == []
    (root / "table.py").write_text(TABLE)
    assert done(index.update()) == (1, 0, 0)
    assert index.definitions("Table")


def test_updates_leave_what_indexing_anew_would(lay, open_index, repo, tmp_path) -> None:
    root = lay(FILES)
    index = open_index()
    index.update()
    for n in range(3):
        (root / "table.py").write_text(TABLE * (n + 2))
        (root / "money.py").write_text(f"def add_cents_{n}(): pass\n")
        index.update()
    with Index.open(repo, tmp_path / "fresh") as fresh:
        fresh.update()
        for query in ("table draw", "add cents", "rows"):
            ours = [(hit.snippet, hit.score) for hit in index.search(query, 10)]
            assert ours == [
                (hit.snippet, pytest.approx(hit.score)) for hit in fresh.search(query, 10)
            ]


def test_an_empty_repository_works(repo, open_index) -> None:
    index = open_index()
    report = index.update()
    assert (report.files, report.chunks, report.skipped) == (0, 0, {})
    assert index.search("anything", 5) == []
    assert index.definitions("anything") == []


def test_two_repositories_do_not_mix(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text("def shared(): pass\n")
        with Index.open(tmp_path / name, tmp_path / "state") as index:
            index.update()
            assert [hit.snippet.path for hit in index.search("shared", 5)] == [f"{name}.py"]


def test_a_symbol_counts_more_than_text_and_source_more_than_tests(lay, open_index) -> None:
    body = "    note('draw draw the table, draw')\n" * 3
    lay({f"filler_{n}.py": f"def filler_{n}():\n    return {n}\n" for n in range(20)})
    lay({
        "a_text.py": "def other():\n" + body,
        "tests/test_draw.py": "def draw_table():\n    pass\n",
        "z_source.py": "def draw_table():\n    pass\n",
    })  # fmt: skip
    index = open_index()
    index.update()
    hits = index.search("draw table", 3)
    assert hits[0].symbol == "draw_table"
    assert hits[0].snippet.path == "z_source.py"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_hit_says_where(lay, open_index) -> None:
    lay({"a.py": "import os\n\n\ndef area(width):\n    return width\n"})
    index = open_index()
    index.update()
    hit = index.search("area", 1)[0]
    assert hit.symbol == "area"
    assert (hit.snippet.start_line, hit.snippet.end_line) == (4, 5)
    assert hit.snippet.text == "def area(width):\n    return width"


def test_definitions_by_own_or_full_name_and_nothing_near(lay, open_index) -> None:
    lay({"a.py": "class A_B:\n    def run(self): pass\n\ndef rerun(): pass\ndef AXB(): pass\n"})
    index = open_index()
    index.update()
    assert [hit.symbol for hit in index.definitions("run")] == ["A_B.run"]
    assert [hit.symbol for hit in index.definitions("A_B.run")] == ["A_B.run"]
    assert [hit.symbol for hit in index.definitions("A_B")] == ["A_B"]
    for wrong in ("%", "_B.run", "B.run", "", "un"):
        assert index.definitions(wrong) == []


@given(st.one_of(st.text(), st.sampled_from([
    '"', "AND", "NOT table", "NEAR(a b)", "a*", "text:draw", "^x", "(", "a AND", "-- ;", "{a}:b",
    "\x00", "\ud800", "ª", "٣", "_", "__",
])))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_is_an_error(lay, repo, state, query: str) -> None:
    if not (repo / "table.py").exists():
        lay(FILES)
    with Index.open(repo, state) as index:
        index.update()
        assert len(index.search(query, 3)) <= 3
        index.definitions(query.encode(errors="ignore").decode())


def test_no_limit_no_hits(lay, open_index) -> None:
    lay(FILES)
    index = open_index()
    index.update()
    assert index.search("table", 0) == []


def test_a_wrong_root_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        Index.open(tmp_path / "nowhere", tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_read_only_needs_an_index_and_only_reads(lay, repo, state, open_index) -> None:
    lay(FILES)
    with pytest.raises(NotFound, match="is not indexed") as caught:
        Index.open(repo, state, read_only=True)
    assert f"hansa index {repo.resolve()}" in caught.value.hint
    assert not state.exists()
    open_index().update()
    with Index.open(repo, state, read_only=True) as reader:
        assert reader.search("table", 1)
        (repo / "more.py").write_text("x = 1\n")
        with pytest.raises(StorageError):
            reader.update()
