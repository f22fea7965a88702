"""Chunks cover a file exactly, whatever it holds, and follow its definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.index.chunk import CHUNK_LINES_MAX, WINDOW_LINES, chunk, count_lines

LINES = st.sampled_from([
    "def f():", "    return 1", "class C:", "    def m(self):", "        pass", "@wrap", "x = 1",
    "", "'''", "function f() {", "}", "export class A {", "  m() {", "  }", "fn f() {", "impl X {",
    "# Title", "## Part ##", "```", "~~~ py", "Under", "---", "===", "const f = () => {", "};",
    "typedef struct p {", "} p_t;", "template <class T>", "func (t *T) M() {", "@decorated",
    "(", "))", "\tdef", "# é 漢", "type T struct {", "\x0c", "a\rb",
])  # fmt: skip
SOURCES = st.builds(
    lambda lines, repeat, end: ("\n".join(lines * repeat) + end).encode(),
    st.lists(LINES, max_size=40), st.integers(1, 5), st.sampled_from(["", "\n", "\n\n"]),
)  # fmt: skip
PATHS = st.sampled_from(
    ["a.py", "a.js", "a.ts", "a.rs", "a.go", "a.cpp", "A.java", "a.md", "x", "a.c", "a.tsx"]
)


def covered(path: str, source: bytes) -> list[int]:
    return [line for each in chunk(path, source)
            for line in range(each.start_line, each.end_line + 1)]  # fmt: skip


@given(PATHS, SOURCES)
def test_every_line_is_in_exactly_one_chunk_in_order(path: str, source: bytes) -> None:
    assert covered(path, source) == list(range(1, count_lines(source) + 1))
    assert all(each.end_line - each.start_line < CHUNK_LINES_MAX for each in chunk(path, source))


@given(PATHS, st.binary(max_size=300))
def test_any_bytes_are_covered(path: str, source: bytes) -> None:
    assert covered(path, source) == list(range(1, count_lines(source) + 1))


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6))
def test_functions_that_fit_are_whole(lengths: list[int]) -> None:
    bodies = [f"def f{n}():\n" + "    x = 1\n" * length for n, length in enumerate(lengths)]
    chunks = chunk("a.py", "\n".join(bodies).encode())
    sizes = [sum(each.end_line - each.start_line + 1 for each in chunks if each.symbol == f"f{n}")
             for n in range(len(lengths))]  # fmt: skip
    assert sizes == [length + 1 for length in lengths]
    for n, length in enumerate(lengths):
        pieces = sum(each.symbol == f"f{n}" for each in chunks)
        assert pieces == -(-(length + 1) // CHUNK_LINES_MAX)


def test_a_large_class_is_cut_at_its_members() -> None:
    method = "    def m{}(self):\n" + "        x = 1\n" * 29 + "\n"
    source = "class C:\n    size = 1\n\n" + "".join(method.format(n) for n in range(3))
    named = [
        (each.symbol, each.start_line, each.end_line) for each in chunk("a.py", source.encode())
    ]
    assert [each for each in named if each[0]] == [
        ("C", 1, 3), ("C.m0", 4, 33), ("C.m1", 35, 64), ("C.m2", 66, 95),
    ]  # fmt: skip


def test_a_small_class_stays_whole_with_its_decorator() -> None:
    source = b"import x\n\n@final\nclass C:\n    def m(self):\n        pass\n\nC()\n"
    assert [(each.symbol, each.start_line, each.end_line) for each in chunk("a.py", source)] == [
        ("", 1, 2), ("C", 3, 6), ("", 7, 8),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "source", "start"),
    [
        ("a.go", "package a\n\n// About f.\n// More.\nfunc F() {}\n", 3),
        ("a.rs", "use x;\n/// About f.\n#[inline]\nfn f() {}\n", 2),
        ("A.java", "/** About. */\nclass A {}\n", 1),
        ("a.py", "x = 1  # of x\ndef f(): pass\n", 2),
        ("a.py", "# of nothing\n\ndef f(): pass\n", 3),
        ("a.py", "# one\n\n# two\ndef f(): pass\n", 3),
    ],
)
def test_a_comment_right_above_belongs_to_the_definition(
    path: str, source: str, start: int
) -> None:
    assert [each.start_line for each in chunk(path, source.encode()) if each.symbol] == [start]


@pytest.mark.parametrize("lines", [1, WINDOW_LINES, WINDOW_LINES + 1, 1000])
def test_text_is_cut_into_windows_of_about_one_size(lines: int) -> None:
    sizes = [each.end_line - each.start_line + 1 for each in chunk("a.md", b"word\n" * lines)]
    assert sum(sizes) == lines
    assert max(sizes) <= WINDOW_LINES
    assert max(sizes) - min(sizes) <= 1


def test_an_empty_file_has_no_chunks() -> None:
    assert chunk("a.py", b"") == []


def test_markdown_is_cut_at_its_headings() -> None:
    source = b"before\n\n# Guide\n\ntext\n\n## Tables\n```\n# no heading\n```\n"
    assert [(each.symbol, each.start_line, each.end_line) for each in chunk("a.md", source)] == [
        ("", 1, 2), ("Guide", 3, 6), ("Tables", 7, 10),
    ]  # fmt: skip


def test_a_function_that_is_a_value_is_a_chunk() -> None:
    source = b"import x\n\nexport const draw = () => {\n  return 1\n}\n\nx()\n"
    assert [(each.symbol, each.start_line, each.end_line) for each in chunk("a.js", source)] == [
        ("", 1, 2), ("draw", 3, 5), ("", 6, 7),
    ]  # fmt: skip
