"""What is cut out of a text is what stood there, and an editor's cuts are among them."""

import inspect
import textwrap
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.models.profile import FimTokens
from hansa.training.cuts import cuts_of
from hansa.training.examples import END, fim_examples
from hansa.training.recipe import Cuts, Fim

TOKENS = FimTokens("<issue_comment>", "<issue_start>", "", "spm")
TEXT = inspect.getsource(textwrap)


def fim(**changes: object) -> Fim:
    return Fim(tokens=TOKENS, other_middle="<issue_closed>", per_chars=300, **changes)  # type: ignore[arg-type]  fields by name


@given(st.text(max_size=600), st.integers(0, 1000))
@settings(max_examples=100)
def test_prefix_middle_and_suffix_are_a_piece_of_the_text(text: str, seed: int):
    every = Cuts(characters=1, line=1, rest_of_line=1, lines=1)
    for cut in cuts_of(text, fim(cuts=every, functions=0), Random(seed)):
        assert cut.prefix + cut.middle + cut.suffix in text
        assert cut.middle.strip()


@pytest.mark.parametrize("kind", ["line", "lines", "rest_of_line"])
def test_cuts_by_lines_end_where_lines_end(kind: str):
    only = Cuts(**{"characters": 0, kind: 1})
    cuts = list(cuts_of(TEXT, fim(cuts=only), Random(1)))
    assert len(cuts) > 20
    for cut in cuts:
        assert cut.middle.endswith("\n") or cut.suffix.startswith("\n") or not cut.suffix
        if kind != "rest_of_line":
            assert cut.prefix.endswith("\n") or not cut.prefix
        if kind != "lines":
            assert "\n" not in cut.middle.removesuffix("\n")


def test_a_function_alone_ends_where_it_ends():
    cuts = cuts_of(TEXT, fim(functions=1.0, window_chars=100_000, cuts=Cuts()), Random(2))
    for cut in cuts:
        whole = cut.prefix + cut.middle + cut.suffix
        assert whole.strip() in TEXT


def test_the_same_seed_gives_the_same_examples():
    first, again, other = (list(fim_examples([TEXT], fim(), seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_prompts_are_what_a_node_would_write():
    given_suffix = fim(share=1.0, other_order=0.0)
    for example in fim_examples([TEXT], given_suffix, 3):
        assert example.prompt.startswith("<issue_start>")
        assert example.prompt.count("<issue_comment>") == 1
        assert example.answer.endswith(END)
    for example in fim_examples([TEXT], fim(share=1.0, other_order=1.0), 3):
        assert example.prompt.startswith("<issue_comment>")
        assert example.prompt.endswith("<issue_closed>")
    for example in fim_examples([TEXT], fim(share=0.0), 3):
        assert "<issue_" not in example.prompt
        assert not example.answer.endswith(END)


def test_text_cannot_pose_as_a_sentinel():
    text = 'mark = "<issue_start>"\nother = "<|endoftext|>"\n' * 20
    for example in fim_examples([text], fim(share=1.0, other_order=0.0), 1):
        assert example.prompt.count("<issue_start>") == 1
        assert example.answer.removesuffix(END).count(END) == 0


def test_a_form_feed_ends_no_line():
    text = "\x0c\ndef first(number):\n    total = number\n    more = total\n    return more\n"
    whole = "def first(number):\n    total = number\n    more = total\n    return more\n"
    only = fim(functions=1.0, window_chars=100_000, cuts=Cuts(characters=0, line=1))
    for seed in range(5):
        for cut in cuts_of(text, only, Random(seed)):
            assert cut.prefix + cut.middle + cut.suffix == whole
