"""Indexes in their threads: absent until made, fresh after changes, never in the way."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

from hansa.context.candidates import Document
from hansa.editor.lsp.codebases import Codebases
from support.waiting import until

CODE = "def gross_price(net, rate):\n    return net * (1 + rate)\n" + "# about prices\n" * 10
TEXT = "gross_price(1, 2)\n" * 8


class Told:
    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, root: Path) -> None:
        self.said.append(f"begin {root.name}")

    def at(self, root: Path, done: int, total: int) -> None:
        self.said.append(f"{root.name} {done}/{total}")

    def end(self, root: Path, said: str) -> None:
        self.said.append(f"end {root.name}: {said}")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "prices.py").write_text(CODE)
    return folder


@pytest.fixture
def codebases(tmp_path: Path, told: Told) -> Generator[Codebases]:
    codebases = Codebases(tmp_path / "state", told)
    yield codebases
    codebases.close()


async def shown(codebases: Codebases, root: Path) -> set[str]:
    document = Document("new.py", TEXT + "x = ")
    plan = await codebases.plan(document, len(document.text), codebases.of(root), None)
    return {each.candidate.snippet.path for each in plan.considered}


async def test_a_codebase_is_empty_until_its_index_is_made(
    codebases: Codebases, root: Path, told: Told
) -> None:
    assert await shown(codebases, root) == set()
    codebases.want(root)
    codebases.want(root)
    await until(lambda: codebases.states[root] == "ready")
    assert await shown(codebases, root) == {"prices.py"}
    await until(lambda: told.said[-1] == "end work: 1 files")
    assert told.said == ["begin work", "work 1/1", "end work: 1 files"]


async def test_changes_are_seen_in_the_index_they_belong_to(
    codebases: Codebases, root: Path, tmp_path: Path
) -> None:
    codebases.want(root)
    await until(lambda: codebases.states[root] == "ready")
    (root / "sub").mkdir()
    (root / "sub" / "more.py").write_text(CODE)
    codebases.changed([root / "sub" / "more.py", tmp_path / "elsewhere.py", root])
    async with asyncio.timeout(20):
        while "sub/more.py" not in await shown(codebases, root):
            await asyncio.sleep(0)


async def test_an_index_that_cannot_be_written_costs_only_the_codebase(
    root: Path, tmp_path: Path, told: Told
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    codebases = Codebases(tmp_path / "state", told)
    codebases.want(root)
    await until(lambda: codebases.states[root] == "failed")
    assert await shown(codebases, root) == set()
    codebases.close()
    assert "without the codebase" in told.said[-1]


async def test_an_index_that_goes_away_is_left_out(
    codebases: Codebases, root: Path, tmp_path: Path
) -> None:
    codebases.want(root)
    await until(lambda: codebases.states[root] == "ready")
    for each in (tmp_path / "state" / "index").iterdir():
        each.unlink()
    assert await shown(codebases, root) == set()


async def test_closing_gives_up_what_is_being_made(root: Path, tmp_path: Path) -> None:
    for number in range(50):
        (root / f"file{number}.py").write_text(CODE)
    codebases = Codebases(tmp_path / "state", told := Told())
    told.at = lambda *_: codebases._stop.set()  # type: ignore[method-assign]  as if closed in the middle
    codebases.want(root)
    await until(lambda: bool(told.said) and told.said[-1].startswith("end"))
    codebases.close()
    assert told.said[-1] == "end work: stopped"
    assert codebases.states[root] == "indexing"
