"""Places named by editors: three units, three line endings, and what lies outside a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.editor.lsp.positions import (
    Encoding,
    as_lf,
    differing,
    line_bounds,
    line_count,
    newline_of,
    offset_at,
    position_at,
)

TEXTS = st.text(alphabet="ab é€😀\r\n\x0c\u2028", max_size=40)
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")


@pytest.mark.parametrize(
    ("encoding", "column"), [("utf-8", 4 + 4), ("utf-16", 4 + 2), ("utf-32", 4 + 1)]
)
def test_an_emoji_counts_as_its_units(encoding: Encoding, column: int) -> None:
    text = "x\r\na = 😀 # é\r\n"
    assert offset_at(text, 1, column, encoding) == 3 + 5
    assert position_at(text, 3 + 5, encoding) == (1, column)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_column_inside_a_character_is_before_it(encoding: Encoding) -> None:
    assert offset_at("😀", 0, 1, encoding) == (1 if encoding == "utf-32" else 0)


def test_outside_is_the_nearest_inside() -> None:
    assert offset_at("ab\r\ncd", 0, 99, "utf-16") == 2
    assert offset_at("ab\r\ncd", 9, 0, "utf-16") == 6
    assert offset_at("ab\n", 1, 5, "utf-16") == 3
    assert offset_at("", 3, 3, "utf-8") == 0


def test_form_feeds_and_separators_end_no_line() -> None:
    text = "a\x0cb\u2028c\x85d\ne"
    assert line_count(text) == 2
    assert offset_at(text, 1, 0, "utf-16") == len(text) - 1


def test_line_endings() -> None:
    assert [line_bounds("a\r\nb\rc\nd", each) for each in range(4)] == [
        (0, 1), (3, 4), (5, 6), (7, 8),
    ]  # fmt: skip
    assert as_lf("a\r\nb\rc\n") == "a\nb\nc\n"
    assert [newline_of(each) for each in ("a\r\nb\n", "a\nb\r\n", "a", "a\rb")] == [
        "\r\n", "\n", "\n", "\r",
    ]  # fmt: skip


@given(TEXTS, st.sampled_from(ENCODINGS))
def test_every_offset_has_a_place_and_comes_back(text: str, encoding: Encoding) -> None:
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # No place is inside a line ending.
        assert offset_at(text, *position_at(text, offset, encoding), encoding) == offset


@given(TEXTS)
def test_lines_are_those_of_the_lf_text(text: str) -> None:
    lines = as_lf(text).split("\n")
    assert line_count(text) == len(lines)
    assert [text[slice(*line_bounds(text, each))] for each in range(len(lines))] == lines


@given(TEXTS, TEXTS)
def test_what_differs_makes_one_text_of_the_other(old: str, new: str) -> None:
    start, behind = differing(old, new)
    assert old[:start] + new[start : len(new) - behind] + old[len(old) - behind :] == new
    assert old[start - 1 : start + 1] != "\r\n" or not start
