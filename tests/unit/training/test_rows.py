"""Rows hold whole examples, each with positions of its own; only answers are learnt."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hansa.training.examples import Example
from hansa.training.rows import Rows, join, pack

words = st.text("ab ", min_size=1, max_size=12)


def packed(examples: list[Example], row_tokens: int = 16, context_weight: float = 0.0) -> Rows:
    return pack(
        examples, lambda text: [ord(each) for each in text], row_tokens,
        context_weight=context_weight, filler=0, rows_max=1000,
    )  # fmt: skip


@given(st.lists(st.builds(Example, words, words), max_size=30))
def test_every_example_that_fits_is_in_one_row_whole(examples: list[Example]):
    rows = packed(examples)
    fitting = [each for each in examples if len(each.prompt + each.answer) <= 16]
    assert int(rows.weights.sum()) == sum(len(each.answer) for each in fitting)
    assert rows.tokens.shape == rows.positions.shape == rows.weights.shape
    texts = ["".join(chr(token) for token in row) for row in rows.tokens]
    for each in fitting:
        assert any(each.prompt + each.answer in text for text in texts)


def test_positions_start_anew_and_prompts_weigh_what_is_asked():
    rows = packed([Example("ab", "a"), Example("b", "aa")], 8, context_weight=0.5)
    assert rows.positions.tolist() == [[0, 1, 2, 0, 1, 2, 0, 1]]
    assert rows.weights.tolist() == [[0, 0.5, 1, 0, 1, 1, 0, 0]]


def test_rows_are_joined_and_taken():
    both = join(packed([Example("a", "b")]), packed([Example("b", "a")]))
    assert len(both) == 2
    assert both.taken(np.array([1])).tokens[0, 0] == ord("b")
    assert len(packed([])) == 0
