"""A rename reaches what means the name, in every file, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.core.errors import Conflict, NotFound, UserError
from hansa.editor.refactor.rename import Renamed, decider, rename_symbol
from hansa.index.index import Index

FILES = {
    "shop/__init__.py": "from shop.prices import total\n",
    "shop/prices.py": (
        '__all__ = ["total"]\n\n\ndef total(values, start=0):\n    """The total of values."""\n'
        "    return start + sum(values)\n\n\ndef mean(values):\n"
        "    return total(values) / len(values)\n\n\ndef odd(total):\n    return total + 1\n"
    ),
    "shop/basket.py": (
        "from . import prices\nfrom .prices import total as add\n\n\nclass Basket:\n"
        "    def total(self):\n        return prices.total(self.prices) + add(self.prices)\n\n"
        "    def show(self):\n        total = self.total()\n        return total\n"
    ),
    "app.py": (
        "import shop.prices\n\n\ndef run():\n    from shop.prices import total\n\n"
        "    return total([1], start=2) + shop.prices.total([2])\n"
    ),
    "other.py": "def total(): return 1\n\n\nx = total()\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    root = tmp_path / "code"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with Index.open(root, tmp_path / "state") as opened:
        opened.update()
        yield opened


def renamed(
    index: Index, old: str, new: str, within: str = "", also: str = "", leave: str = ""
) -> tuple[Renamed, dict[str, str]]:
    decide = decider(also.split(), leave.split())
    made = rename_symbol(index.root, index.graph, old, new, within=within, decide=decide)
    return made, {name: text for name, _, text in made.changes}


def test_a_function_in_all_files_that_mean_it(index: Index) -> None:
    made, texts = renamed(index, "total", "add_up", "shop/prices.py", leave="all")
    assert texts == {
        "shop/__init__.py": "from shop.prices import add_up\n",
        "shop/prices.py": FILES["shop/prices.py"]
        .replace('"total"', '"add_up"')
        .replace("def total", "def add_up")
        .replace("return total(", "return add_up("),
        "shop/basket.py": FILES["shop/basket.py"]
        .replace("import total as", "import add_up as")
        .replace("prices.total", "prices.add_up"),
        "app.py": FILES["app.py"].replace("total", "add_up"),
    }
    assert {each.path for each in made.left} == {"shop/prices.py", "shop/basket.py", "other.py"}


def test_same_names_elsewhere_are_refused_until_confirmed(index: Index) -> None:
    with pytest.raises(UserError, match=r"4? ?definitions are called total: .*other.py:1"):
        renamed(index, "total", "add_up")
    with pytest.raises(Conflict, match=r"may mean Basket.total of shop/basket.py .*\n.*prices"):
        renamed(index, "Basket.total", "sum_up")
    _, texts = renamed(index, "Basket.total", "sum_up", leave="all")
    assert texts == {
        "shop/basket.py": FILES["shop/basket.py"]
        .replace("def total", "def sum_up")
        .replace("self.total", "self.sum_up")
    }


def test_a_place_is_confirmed_by_name(index: Index) -> None:
    _, texts = renamed(index, "Basket.total", "sum_up", also="shop/basket.py:7", leave="all")
    assert "prices.sum_up(self.prices)" in texts["shop/basket.py"]
    assert list(texts) == ["shop/basket.py"]


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("nothing", "x", NotFound, "nothing is called nothing"),
        ("mean", "class", UserError, "'class' cannot be a name"),
        ("mean", "a b", UserError, "'a b' cannot be a name"),
        ("mean", "odd", Conflict, r"odd is a name in shop/prices.py:13 already"),
        ("mean", "values", Conflict, r"values is a name in shop/prices.py:4 already"),
    ],
)
def test_refused(index: Index, old: str, new: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        renamed(index, old, new)


ACCESSORS = """\
from typing import overload


class Basket:
    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = value

    @overload
    def add(self, item: int): ...
    @overload
    def add(self, item: str): ...
    def add(self, item):
        self.size = self.size + 1


class Shelf:
    @property
    def size(self):
        return 1
"""


def test_overloads_and_accessors_are_one_definition(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "shop.py").write_text(ACCESSORS)
    with Index.open(tmp_path / "code", tmp_path / "state") as index:
        index.update()
        _, texts = renamed(index, "Basket.add", "put")
        assert texts["shop.py"] == ACCESSORS.replace("def add", "def put")
        with pytest.raises(Conflict, match=r"\n  shop.py:23  def size"):
            renamed(index, "Basket.size", "count")
        _, texts = renamed(index, "Basket.size", "count", leave="all")
        basket, shelf = ACCESSORS.split("class Shelf")
        kept = basket.replace("_size", "_s").replace("size", "count").replace("_s", "_size")
        assert texts["shop.py"] == f"{kept}class Shelf{shelf}"
        with pytest.raises(UserError, match=r"3 definitions are called size"):
            renamed(index, "size", "count")


def test_other_languages_are_renamed_where_only_one_thing_has_the_name(tmp_path: Path) -> None:
    root = tmp_path / "go"
    root.mkdir()
    (root / "a.go").write_text("package a\n\nfunc total() int { return 1 }\n\nvar x = total()\n")
    (root / "b.go").write_text("package a\n\nvar y = total()\n")
    with Index.open(root, tmp_path / "state") as index:
        index.update()
        with pytest.raises(Conflict, match=r"b.go:3  var y = total\(\)"):
            renamed(index, "total", "sum")
        _, texts = renamed(index, "total", "sum", also="b.go:3")
    assert "total" not in "".join(texts.values())
    assert len(texts) == 2
