"""What is cut off a prompt's end comes back in front of the answer, or the answer is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.context.healing import cut, heal

TEXT = st.text("ab \t\n", max_size=30)


@given(TEXT)
def test_nothing_is_lost(prefix: str) -> None:
    kept, typed = cut(prefix)
    assert kept + typed == prefix
    assert not typed.strip()
    assert typed.count("\n") <= 1


@pytest.mark.parametrize(
    ("prefix", "kept", "typed"),
    [
        ("def f():\n    ", "def f():", "\n    "),
        ("x = ", "x =", " "),
        ("x = 1", "x = 1", ""),
        ("a\n\n", "a\n", "\n"),
        ("    ", "    ", ""),
        ("", "", ""),
    ],
)
def test_cut(prefix: str, kept: str, typed: str) -> None:
    assert cut(prefix) == (kept, typed)


@given(TEXT, TEXT)
def test_an_answer_that_repeats_what_was_typed_is_healed(typed: str, new: str) -> None:
    assert heal(typed + new, typed) == new


@given(TEXT, st.data())
def test_an_answer_that_has_not_come_so_far_is_still_open(typed: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(typed)))
    assert heal(typed[:size], typed) == ""


def test_an_answer_that_contradicts_is_dropped() -> None:
    assert heal("\n  return", "\n    ") is None
