"""Names of languages, syntax errors, outlines."""

import pytest

from hansa.index.languages import (
    NESTED_MAX,
    comment_prefix,
    first_error_line,
    language_of,
    outline,
    parses,
)

SOURCES = {
    "a.py": ("def f():\n    return 1\n", "f"),
    "a.js": ("function f() { return 1 }\n", "f"),
    "a.jsx": ("const f = () => <b/>;\nclass C { m() {} }\n", "f"),
    "a.ts": ("interface Shape { area: number }\n", "Shape"),
    "a.tsx": ("export function View(): Node { return <b/>; }\n", "View"),
    "a.go": ("package a\n\nfunc F() int { return 1 }\n", "F"),
    "a.rs": ("struct S { x: u8 }\nfn f() -> u8 { 1 }\n", "S"),
    "A.java": ("class A { int f() { return 1; } }\n", "A"),
    "a.c": ("int *f(int x) { return 0; }\n", "f"),
    "a.cpp": ("namespace n { class C { void m() {} }; }\n", "n"),
}


@pytest.mark.parametrize("path", SOURCES)
def test_every_grammar_parses_and_outlines(path: str) -> None:
    source, name = SOURCES[path]
    assert parses(path, source.encode())
    assert outline(path, source.encode())[0].name == name


@pytest.mark.parametrize("path", SOURCES)
def test_every_grammar_finds_an_error(path: str) -> None:
    source = SOURCES[path][0] + "\n)]} (((\n"
    assert not parses(path, source.encode())


def test_the_first_error_has_a_line() -> None:
    assert first_error_line("a.py", b"x = 1\n\ndef f(:\n    pass\n") == 3
    assert first_error_line("a.c", b"int f() {\n  return 0\n}\n") == 2, "a semicolon is missing"
    assert first_error_line("a.py", b"x = 1\n") is None


@pytest.mark.parametrize("path", ["notes.md", "Makefile", "data.unknown", ".py"])
def test_what_has_no_grammar_is_taken_as_sound(path: str) -> None:
    assert language_of(path) is None
    assert parses(path, b")]} def (((")
    assert outline(path, b"def f(): pass") == []


@pytest.mark.parametrize(
    ("path", "prefix"),
    [("a/b.PY", "#"), ("a.rs", "//"), ("a.yaml", "#"), ("q.sql", "--"), ("a.md", None)],
)
def test_comment_prefix(path: str, prefix: str | None) -> None:
    assert comment_prefix(path) == prefix


def test_an_outline_names_what_is_inside_what() -> None:
    source = b"""\
@final
class Table:
    rows = 0

    @property
    def width(self):
        def total():
            return 1
        return total()


async def draw(): ...
"""
    found = [(each.name, each.kind, each.start_line, each.end_line)
             for each in outline("a.py", source)]  # fmt: skip
    assert found == [
        ("Table", "class", 1, 9),
        ("Table.width", "method", 5, 9),
        ("Table.width.total", "function", 7, 8),
        ("draw", "function", 12, 12),
    ]


def test_a_struct_is_defined_where_its_body_is() -> None:
    source = b"struct point { int x; };\nstruct point *make(struct point from) { return 0; }\n"
    assert [each.name for each in outline("a.c", source)] == ["point", "make"]


def test_deep_nesting_exhausts_nothing() -> None:
    classes = b"class A{m(){" * 20_000
    assert len(outline("a.js", classes + b"}}" * 20_000)) == NESTED_MAX
    assert not parses("a.py", b"(" * 100_000)
