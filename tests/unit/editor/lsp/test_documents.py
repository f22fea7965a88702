"""Open files follow the editor's changes; which may be shown, and what was edited last."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from hansa.editor.lsp.documents import Documents
from hansa.editor.lsp.positions import Encoding, position_at
from hansa.editor.lsp.recent import RecentEdits

URI = "file:///nowhere/a.py"


def opened(documents: Documents, uri: str, text: str, language: str = "python") -> None:
    documents.opened(lsp.TextDocumentItem(uri, language, 1, text))


def changed(documents: Documents, uri: str, start: int, end: int, text: str) -> None:
    """Replace characters `start` to `end`, as an editor names them."""
    now = documents.get(uri)
    assert now
    places = [
        lsp.Position(*position_at(now.text, each, documents.encoding)) for each in (start, end)
    ]
    event = lsp.TextDocumentContentChangePartial(lsp.Range(*places), text)
    identifier = lsp.VersionedTextDocumentIdentifier(2, uri)
    documents.changed(lsp.DidChangeTextDocumentParams(identifier, [event]))


@given(
    st.text(alphabet="ab\n😀é\x0c", max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.text("x\n😀", max_size=5))),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_incremental_changes_make_the_editors_text(
    text: str, edits: list[tuple[int, int, str]], encoding: Encoding
) -> None:
    documents = Documents(Path("/home"))
    documents.encoding = encoding
    opened(documents, URI, text)
    for one, other, new in edits:
        start, end = sorted(min(each, len(text)) for each in (one, other))
        changed(documents, URI, start, end, new)
        text = text[:start] + new + text[end:]
        now = documents.get(URI)
        assert now
        assert now.text == text


def test_crlf_is_kept_and_shown_as_lf() -> None:
    documents = Documents(Path("/home"))
    opened(documents, URI, "a\r\n😀b\r\n")
    changed(documents, URI, 4, 4, "x")
    now = documents.get(URI)
    assert now
    assert now.text == "a\r\n😀xb\r\n"
    assert now.document.text == "a\n😀xb\n"


def test_a_whole_new_text_is_told_as_what_differs() -> None:
    documents = Documents(Path("/home"))
    opened(documents, URI, "one\ntwo\nthree\n")
    seen: list[tuple[int, int, str]] = []
    documents.listeners.append(lambda each: seen.append((each.start, each.end, each.text)))
    whole = lsp.TextDocumentContentChangeWholeDocument("one\n2\nthree\n")
    identifier = lsp.VersionedTextDocumentIdentifier(2, URI)
    documents.changed(lsp.DidChangeTextDocumentParams(identifier, [whole]))
    assert seen == [(4, 7, "2")]


def test_a_buffer_without_a_file_is_named_by_its_language() -> None:
    documents = Documents(Path("/home"))
    opened(documents, "untitled:Untitled-1", "", "typescript")
    now = documents.get("untitled:Untitled-1")
    assert now
    assert (now.name, now.root) == ("Untitled-1.ts", None)


def test_roots_are_marked_folders_else_the_editors_own(tmp_path: Path) -> None:
    inner, loose = tmp_path / "work" / "lib", tmp_path / "elsewhere"
    inner.mkdir(parents=True)
    loose.mkdir()
    (inner / "pyproject.toml").touch()
    documents = Documents(tmp_path / "home")
    documents.folders = [tmp_path / "work"]
    roots = {}
    for path in (inner / "a.py", tmp_path / "work" / "b.py", loose / "c.py"):
        opened(documents, path.as_uri(), "")
        now = documents.get(path.as_uri())
        assert now
        roots[now.name] = now.root
    assert roots == {"a.py": inner, "b.py": tmp_path / "work", "c.py": None}


def test_other_files_come_latest_first_without_what_rules_leave_out(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secret.py\n")
    (tmp_path / "pyproject.toml").touch()
    documents = Documents(tmp_path / "home")
    uris = {}
    for name in ("a.py", "b.py", "c.py", "secret.py"):
        (tmp_path / name).write_text(name)
        uris[name] = (tmp_path / name).as_uri()
        opened(documents, uris[name], name)
    opened(documents, "file:///other/d.py", "d")
    documents.looked_at(uris["a.py"])
    here = documents.get(uris["c.py"])
    assert here
    assert [each.path for each in documents.others(here)] == ["a.py", "b.py"]


@pytest.fixture
def two(tmp_path: Path) -> Documents:
    (tmp_path / "pyproject.toml").touch()
    documents = Documents(tmp_path / "home")
    for name in ("a.py", "b.py"):
        opened(documents, (tmp_path / name).as_uri(), "".join(f"{n}\n" for n in range(60)))
    return documents


def test_edits_of_other_places_are_told_with_the_lines_around(
    two: Documents, tmp_path: Path
) -> None:
    recent = RecentEdits(two)
    a, b = ((tmp_path / name).as_uri() for name in ("a.py", "b.py"))
    now = two.get(a)
    assert now
    changed(two, a, now.text.index("20"), now.text.index("20") + 2, "new")
    changed(two, a, 0, 0, "top\ntop\n")
    changed(two, b, 0, 0, "here")
    here = two.get(b)
    assert here
    shown = recent.elsewhere(here, 0)
    assert [(each.path, each.start_line, each.text) for each in shown] == [
        ("a.py", 1, "top\ntop\n0\n1"),
        ("a.py", 22, "19\nnew\n21"),
    ]


def test_edits_near_each_other_are_one_place(two: Documents, tmp_path: Path) -> None:
    recent = RecentEdits(two)
    a, b = ((tmp_path / name).as_uri() for name in ("a.py", "b.py"))
    for char in "word":
        changed(two, a, 0, 0, char)
    changed(two, a, 8, 8, "\n")
    here = two.get(b)
    assert here
    assert len(recent.elsewhere(here, 0)) == 1
    assert recent.elsewhere(here, 0)[0].path == "a.py"
