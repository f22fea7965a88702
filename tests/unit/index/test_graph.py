"""Looking names up: who defines, uses and imports them, while files come and go."""

import pytest

FILES: dict[str, str | bytes] = {
    "shapes/table.py": "class Table:\n    def draw(self):\n        pass\n",
    "shapes/grid.py": "from shapes.table import Table\n\ndef draw(t):\n    Table().draw()\n",
    "app.ts": "import { Table } from './table'\nnew Table()\n",
    "guide.md": "# Draw v1.2\n\nHow a `Table` is drawn.\n",
}


@pytest.fixture
def index(lay, open_index):
    lay(FILES)
    opened = open_index()
    opened.update()
    return opened


def places(found) -> list[tuple[str, int, str]]:
    return [(each.path, each.line, each.kind) for each in found]


def test_definitions(index) -> None:
    found = index.graph.definitions("draw")
    assert [(each.path, each.symbol.name, each.symbol.kind, each.container) for each in found] == [
        ("shapes/grid.py", "draw", "function", ""),
        ("shapes/table.py", "Table.draw", "method", "Table"),
    ]
    assert [each.path for each in index.graph.definitions("Table.draw")] == ["shapes/table.py"]
    [heading] = index.graph.definitions("Draw v1.2")
    assert (heading.path, heading.symbol.kind, heading.container) == ("guide.md", "heading", "")
    assert index.graph.definitions("Draw v1") == []


def test_references(index) -> None:
    assert places(index.graph.references("Table")) == [
        ("app.ts", 1, "import"),
        ("app.ts", 2, "call"),
        ("shapes/grid.py", 1, "import"),
        ("shapes/grid.py", 4, "call"),
    ]
    assert places(index.graph.references("Table.draw")) == [("shapes/grid.py", 4, "call")]
    assert index.graph.references("nobody") == []


def test_imports(index) -> None:
    [found] = index.graph.imports("shapes/grid.py")
    assert (found.module, found.name, found.line) == ("shapes.table", "Table", 1)
    assert index.graph.importers("shapes.table") == ["shapes/grid.py"]
    assert index.graph.imports("nowhere.py") == []


def test_what_goes_leaves_nothing(index, repo) -> None:
    (repo / "shapes/grid.py").unlink()
    (repo / "app.ts").write_text("draw()\n")
    index.update()
    assert index.graph.references("Table") == []
    assert [each.path for each in index.graph.definitions("draw")] == ["shapes/table.py"]
    assert index.graph.importers("shapes.table") == []
    assert places(index.graph.references("draw")) == [("app.ts", 1, "call")]
