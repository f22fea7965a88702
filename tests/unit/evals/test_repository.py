"""Lines that need what another file defines."""

from pathlib import Path

import pytest

from hansa.core.errors import IntegrityError
from hansa.evals.packages import Package, fetch_packages, tree_digest
from hansa.evals.question import Answer
from hansa.evals.repository import Repository, places_in

SHAPES = "class Square:\n    def __init__(self, side):\n        self.side = side\n"
MAIN = """\
from pack import tools
from .shapes import Square
import os


def area(side):
    square = Square(side)
    inner = os.path.join(str(side))
    rounded = tools.nearest(square.side ** 2)
    return rounded


def nothing():
    return area(3) + area(4) + area(5)
"""
TOOLS = "def nearest(value):\n    return round(value)\n"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in (("shapes", SHAPES), ("main", MAIN), ("tools", TOOLS), ("__init__", "")):
        (folder / f"{name}.py").write_text(text)
    return folder


def test_only_lines_that_need_another_file_are_asked(sources: Path):
    places = places_in("pack", sources)
    assert [(each.path, each.line, each.middle) for each in places] == [
        ("main.py", 7, "    square = Square(side)"),
        ("main.py", 9, "    rounded = tools.nearest(square.side ** 2)"),
    ]
    assert [(each.definition.path, each.definition.text) for each in places] == [
        ("pack/shapes.py", SHAPES.rstrip("\n")),
        ("pack/tools.py", TOOLS.rstrip("\n")),
    ]
    for each in places:
        assert each.prefix + each.middle + each.suffix == MAIN


def test_lines_are_drawn_the_same_each_time(sources: Path):
    assert places_in("pack", sources, count=1) == places_in("pack", sources, count=1)
    assert len(places_in("pack", sources, count=1)) == 1


async def test_a_line_is_scored_to_its_end(sources: Path):
    benchmark = Repository(places_in("pack", sources))
    asked = benchmark.questions[0]
    assert (asked.task_id, asked.group) == ("pack/main.py:7", "pack/main.py")
    assert asked.suffix.startswith("\n    inner")
    assert asked.begins == "\n"
    answer = Answer(text="\n    square = Square(side)\n    x", ttft_ms=1.0, total_ms=1.0)
    score = await benchmark.score(asked, answer)
    assert (score.exact, score.similarity) == (True, 1.0)


async def test_a_bare_model_gets_no_suffix(sources: Path):
    benchmark = Repository(places_in("pack", sources), prefix_only=True)
    asked = benchmark.questions[0]
    assert (asked.prompt[-1], asked.suffix, asked.newlines_max) == (":", "", 1)
    answer = Answer(text="\n    square = Square()\n", ttft_ms=1.0, total_ms=1.0)
    score = await benchmark.score(asked, answer)
    assert score.exact is False
    assert score.similarity == pytest.approx(1 - 4 / 25)


def test_packages_are_fetched_once_and_must_be_the_ones_named(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fetched: list[str] = []

    def fetch(package: str, version: str, target: Path) -> None:
        fetched.append(f"{package}=={version}")
        (target / "pack").mkdir(parents=True)
        for path in sources.iterdir():
            (target / "pack" / path.name).write_bytes(path.read_bytes())

    monkeypatch.setattr("hansa.evals.packages.fetch_package", fetch)
    good = Package("pack", "1.0", "pack", "MIT", tree_digest(sources))
    assert fetch_packages(tmp_path, (good,)) == fetch_packages(tmp_path, (good,))
    assert fetched == ["pack==1.0"]
    with pytest.raises(IntegrityError, match="other files"):
        fetch_packages(tmp_path, (Package("pack", "1.0", "pack", "MIT", "0"),))
    assert not (tmp_path / "evals" / "packages" / "pack-1.0").exists()
