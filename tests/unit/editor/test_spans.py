"""Which lines an instruction means."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.editor.spans import SPAN_CHARS_MAX, Span, choose_span


@dataclass(frozen=True)
class Symbol:
    name: str
    start_line: int
    end_line: int


SHOP = [
    Symbol("Basket", 1, 20),
    Symbol("Basket.add", 2, 5),
    Symbol("total", 6, 10),
    Symbol("Shelf", 30, 50),
    Symbol("total", 31, 35),
    Symbol("readLines", 60, 70),
]
TEXT = "x = 1\n" * 80


@pytest.mark.parametrize(
    ("instruction", "start_line"),
    [
        ("add a docstring to total", 6),
        ("add a docstring to total in Shelf", 31),
        ("add a docstring to add in Basket", 2),
        ("add a docstring to class Basket", 1),
        ("make Basket.add return self", 2),
        ("document `readLines`", 60),
        ("let readlines take a path", 60),
        ("strip what the read lines hold", 60),
    ],
)
def test_the_span_meant(instruction: str, start_line: int) -> None:
    assert choose_span("a.py", TEXT, instruction, SHOP).start_line == start_line


def test_nothing_meant() -> None:
    with pytest.raises(UserError, match=r"names nothing that a\.py defines") as caught:
        choose_span("a.py", TEXT, "make it faster", SHOP)
    assert "Basket" in caught.value.hint
    assert "--lines" in caught.value.hint


def test_a_small_file_is_meant_whole() -> None:
    assert choose_span("a.py", "x = 1\n" * 9, "make it faster", []) == Span(1, 9)
    assert choose_span("a.py", "", "write a loop", []) == Span(1, 1)


def test_lines_by_hand() -> None:
    assert choose_span("a.py", TEXT, "total", SHOP, (3, 4)) == Span(3, 4)
    with pytest.raises(UserError, match="has 80 lines; line 81 is outside"):
        choose_span("a.py", TEXT, "total", SHOP, (3, 81))


def test_too_much() -> None:
    with pytest.raises(UserError, match=f"at most {SPAN_CHARS_MAX}"):
        choose_span("a.py", "x" * 100 + "\n" * 1 + TEXT * 9, "", [], (1, 700))


@given(st.text("a\n", max_size=30), st.data())
def test_a_cut_loses_nothing(text: str, data: st.DataObject) -> None:
    count = max(text.count("\n") + (not text.endswith("\n")), 1)
    start = data.draw(st.integers(1, count))
    end = data.draw(st.integers(start, count))
    before, inside, behind = Span(start, end).cut(text)
    assert before + inside + behind == text
    assert before.count("\n") == start - 1
