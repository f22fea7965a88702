"""What files of each language define, use and import."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.index.queries import QUERIES
from hansa.index.symbols import FileSymbols, symbols

SOURCES = {
    "a.py": """\
import os.path as p, sys
from .shapes import (Area as A, cut)
from colours import *
MAX = 3
class Table(A):
    @cached
    def draw(self):
        return cut(self.rows, MAX)
""",
    "a.js": """\
import whole, {part as piece} from './shapes'
import * as space from 'colours'
import 'side'
const fs = require('fs')
export const draw = (a) => { return piece(a) }
export class Table { cut() { new Row(); this.keep() } }
const MAX = 1
""",
    "a.tsx": """\
import type {Area} from './shapes'
export interface Shape extends Area { colour: Colour }
export const draw = async (a: Area): Promise<Colour> => a.run()
enum Kind { Red }
""",
    "a.go": """\
package a
import (
	"fmt"
	m "net/http"
)
const Max = 1
type Table struct { rows int }
func (t *Table) Draw() { fmt.Println(t.rows, Max) }
func (l List[T]) Cut() {}
""",
    "a.rs": """\
use std::fmt::Display;
const MAX: u8 = 1;
struct Table<T> { rows: T }
impl<T> Display for Table<T> { fn draw(&self) -> u8 { shapes::cut(MAX) } }
macro_rules! say { () => {} }
""",
    "A.java": """\
import java.util.List;
class Table {
    static final int MAX = 1;
    int draw() { new Row().cut(MAX); return keep(); }
}
""",
    "a.c": """\
#include <stdio.h>
#include "shapes.h"
#define MAX 3
#define SQUARE(x) ((x) * (x))
typedef struct table { int rows; } table_t;
static int *draw(table_t *t) { return cut(t->rows, MAX); }
""",
    "a.cpp": """\
#include <vector>
namespace shapes { class Table { void draw() { cut(); } }; }
void shapes::Table::keep() { std::sort(); }
using Rows = std::vector<int>;
""",
    "a.md": "# Guide\n\ntext\n\n## Draw a table #\n```\n# no heading\n```\nEnd\n---\nx\n",
}

DEFINED = {
    "a.py": "Table class, Table.draw method, MAX constant",
    "a.js": "draw function, Table class, Table.cut method, fs constant, MAX constant",
    "a.tsx": "Shape interface, draw function, Kind enum",
    "a.go": "Table type, Table.Draw method, List.Cut method, Max constant",
    "a.rs": "Table struct, Table implementation, Table.draw method, say macro, MAX constant",
    "A.java": "Table class, Table.draw method, MAX constant",
    "a.c": "table struct, draw function, MAX constant, SQUARE macro, table_t type",
    "a.cpp": "shapes module, shapes.Table class, shapes.Table.draw method,"
    " shapes.Table.keep function, Rows type",
    "a.md": "Guide heading, Draw a table heading, End heading",
}
CALLED = {
    "a.py": {"cut", "cached"},
    "a.js": {"piece", "Row", "keep", "require"},
    "a.tsx": {"run"},
    "a.go": {"Println"},
    "a.rs": {"cut"},
    "A.java": {"Row", "cut", "keep"},
    "a.c": {"cut"},
    "a.cpp": {"cut", "sort"},
    "a.md": set[str](),
}
IMPORTED = {
    "a.py": "os.path: sys: .shapes:Area .shapes:cut colours:",
    "a.js": "./shapes:whole ./shapes:part colours:space side: fs:",
    "a.tsx": "./shapes:Area",
    "a.go": "fmt: net/http:",
    "a.rs": "std::fmt::Display:",
    "A.java": "java.util.List:",
    "a.c": "stdio.h: shapes.h:",
    "a.cpp": "vector:",
    "a.md": "",
}


def found(path: str) -> FileSymbols:
    return symbols(path, SOURCES[path].encode())


@pytest.mark.parametrize("path", SOURCES)
def test_definitions_with_their_kind_and_container(path: str) -> None:
    defined = sorted(f"{each.name} {each.kind}" for each in found(path).definitions)
    assert defined == sorted(each.strip() for each in DEFINED[path].split(","))


@pytest.mark.parametrize("path", SOURCES)
def test_calls(path: str) -> None:
    assert {each.name for each in found(path).uses if each.kind == "call"} == CALLED[path]


@pytest.mark.parametrize("path", SOURCES)
def test_imports(path: str) -> None:
    imports = [f"{each.module}:{each.name}" for each in found(path).imports]
    assert imports == IMPORTED[path].split()


@pytest.mark.parametrize("language", QUERIES)
def test_every_query_suits_its_grammar(language: str) -> None:
    suffix = {"python": "py", "javascript": "js", "typescript": "ts", "rust": "rs"}
    path = f"a.{suffix.get(language, language)}"
    assert symbols(path, b"") == FileSymbols([], [], [])


def test_uses_have_their_lines_and_leave_out_where_a_name_is_defined() -> None:
    uses = {(each.name, each.kind): each.lines for each in found("a.py").uses}
    assert uses["cut", "import"] == (2,)
    assert uses["cut", "call"] == (8,)
    assert uses["MAX", "use"] == (8,)
    assert uses["rows", "use"] == (8,)
    assert not {"Table", "draw", "self"} & {name for name, _ in uses}


def test_spans_have_decorators_and_names_have_their_own_line() -> None:
    [draw] = [each for each in found("a.py").definitions if each.own == "draw"]
    assert (draw.start_line, draw.end_line, draw.name_line) == (6, 8, 7)


def test_a_heading_spans_its_section() -> None:
    spans = [(each.name, each.start_line, each.end_line) for each in found("a.md").definitions]
    assert spans == [("Guide", 1, 11), ("Draw a table", 5, 8), ("End", 9, 11)]


@pytest.mark.parametrize("path", [path for path in SOURCES if path != "a.md"])
def test_broken_code_still_has_names(path: str) -> None:
    assert symbols(path, SOURCES[path].encode() + b"\n)]} (((\n").uses


def test_an_unknown_language_has_none() -> None:
    assert symbols("a.unknown", b"def f(): g()") == FileSymbols([], [], [])


@given(
    st.sampled_from(sorted(SOURCES)),
    st.one_of(st.text(max_size=200), st.sampled_from(sorted(SOURCES.values()))),
    st.text(max_size=20),
)
def test_any_text_has_names_within_its_lines(path: str, text: str, more: str) -> None:
    source = (text[: len(text) // 2] + more + text[len(text) // 2 :]).encode(errors="replace")
    named, last = symbols(path, source), source.count(b"\n") + 1
    for each in named.definitions:
        assert 1 <= each.start_line <= each.name_line <= last
        assert each.start_line <= each.end_line <= last
    keys = [(each.name, each.kind) for each in named.uses]
    assert len(keys) == len(set(keys))
    assert all(1 <= line <= last for each in named.uses for line in each.lines)
