"""A rename is followed into the other files of a codebase, one edit after the other."""

from collections.abc import Generator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from hansa.core.clock import Clock
from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Documents
from hansa.editor.lsp.next_edits import ELSEWHERE_MAX, NextEdits
from hansa.editor.mock import MockAnswers
from support.waiting import until

SHOP = "def total(n):\n    return n\n\n\nprint(total(1))\n"
USE = "import shop\nfrom shop import total\n\nx = '😀', total(1), shop.total(2)\n"

At = tuple[str, int, str]


class Quiet:
    def begin(self, root: Path) -> None: ...
    def at(self, root: Path, done: int, total: int) -> None: ...
    def end(self, root: Path, said: str) -> None: ...


class Session:
    """An editor with `shop.py` open."""

    def __init__(self, root: Path, codebases: Codebases, clock: Clock) -> None:
        self.root, self.codebases = root, codebases
        self.documents = Documents(root.parent)
        self.next = NextEdits(self.documents, codebases, clock, MockAnswers(""), None)
        self.open("shop.py")

    async def indexed(self) -> None:
        self.codebases.want(self.root)
        await until(lambda: self.codebases.states[self.root] == "ready")

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None) -> None:
        text = text or (self.root / name).read_text()
        self.documents.opened(lsp.TextDocumentItem(self.uri(name), "python", 1, text))

    def type(self, name: str, old: str, new: str) -> None:
        opened = self.documents.get(self.uri(name))
        assert opened
        identifier = lsp.VersionedTextDocumentIdentifier(2, opened.uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(opened.text.replace(old, new, 1))
        self.documents.changed(lsp.DidChangeTextDocumentParams(identifier, [whole]))

    async def follows(self, name: str, line: int = 0) -> list[At]:
        """File, line and text, in the order of the answer."""
        edits = await self.next.find(self.uri(name), lsp.Position(line, 0))
        return [
            (each["uri"].rpartition("/")[2], each["range"].start.line, each["newText"])
            for each in edits
        ]

    async def make_all(self, name: str) -> list[At]:
        """Open each file that is named first, and make what is said of it, as the editors do."""
        made: list[At] = []
        while (edits := await self.follows(name)) and len(made) < 20:
            if edits[0][0] != name:
                name = edits[0][0]
                if not self.documents.get(self.uri(name)):
                    self.open(name)
                continue
            made.append(edits[0])
            opened = self.documents.get(self.uri(name))
            assert opened
            self.type(name, opened.text.split("\n")[edits[0][1]], edits[0][2])
        return made


@pytest.fixture
def session(tmp_path: Path, clock: Clock) -> Generator[Session]:
    root = tmp_path / "work"
    root.mkdir()
    (root / "pyproject.toml").touch()
    (root / "shop.py").write_text(SHOP)
    (root / "app.py").write_text(USE)
    (root / "other.py").write_text("def f(total):\n    return total\n")
    codebases = Codebases(tmp_path / "state", Quiet())
    yield Session(root, codebases, clock)
    codebases.close()


IMPORT = ("app.py", 1, "from shop import price")
CALL = ("app.py", 3, "x = '😀', price(1), shop.price(2)")
HERE = ("shop.py", 4, "print(price(1))")


async def test_edits_of_other_files_come_after_those_of_the_open_one(session: Session) -> None:
    await session.indexed()
    session.type("shop.py", "total", "price")
    assert await session.follows("shop.py") == [HERE, IMPORT, CALL]
    edits = await session.next.find(session.uri("shop.py"), lsp.Position(0, 0))
    old = "x = '😀', total(1), shop.total(2)"
    assert edits[2]["range"].end == lsp.Position(3, len(old.encode("utf-16-le")) // 2)
    assert edits[2]["why"] == "total is called price now"


async def test_one_after_the_other_through_all_files(session: Session) -> None:
    (session.root / "more.py").write_text(USE)
    await session.indexed()
    session.type("shop.py", "total", "price")
    assert await session.make_all("shop.py") == [
        HERE, IMPORT, CALL, ("more.py", *IMPORT[1:]), ("more.py", *CALL[1:])
    ]  # fmt: skip
    assert await session.follows("shop.py") == []


async def test_what_is_open_is_looked_at_as_it_is_in_the_editor(session: Session) -> None:
    await session.indexed()
    session.open("app.py", "#\n" + USE)
    session.open("fresh.py", "from shop import total\n")
    session.open("other.py", "import shop\nshop.total(3)\n")
    session.type("shop.py", "total", "price")
    assert await session.follows("shop.py") == [
        HERE, ("app.py", 2, IMPORT[2]), ("app.py", 4, CALL[2]),
        ("fresh.py", 0, "from shop import price"), ("other.py", 1, "shop.price(3)"),
    ]  # fmt: skip


async def test_what_was_undone_is_not_followed(session: Session) -> None:
    await session.indexed()
    session.open("app.py")
    session.type("shop.py", "total", "price")
    assert await session.follows("app.py") == [], "nobody asked after the rename"
    assert len(await session.follows("shop.py")) > 1
    assert await session.follows("app.py", line=3) == [CALL, IMPORT]
    session.type("shop.py", "price", "total")
    assert await session.follows("app.py") == []
    assert await session.follows("shop.py") == []


async def test_without_an_index_only_the_open_file_is_looked_at(session: Session) -> None:
    session.type("shop.py", "total", "price")
    assert await session.follows("shop.py") == [HERE]
    session.codebases.states[session.root] = "indexing"
    assert await session.follows("shop.py") == [HERE]
    session.codebases.states[session.root] = "ready"  # It has gone from the disk since.
    assert await session.follows("shop.py") == [HERE]


async def test_they_are_bounded_in_number(session: Session) -> None:
    for n in range(ELSEWHERE_MAX):
        (session.root / f"more{n}.py").write_text(USE)
    await session.indexed()
    session.type("shop.py", "total", "price")
    assert len(await session.follows("shop.py")) == 1 + ELSEWHERE_MAX
    assert len(await session.make_all("shop.py")) == 1 + 2 * (ELSEWHERE_MAX + 1)
