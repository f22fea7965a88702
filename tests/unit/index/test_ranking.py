"""What a match is worth beyond its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.index.ranking import NAME_GAIN, TEST_FACTOR, asked_for, factor, is_test, name_share, stem
from hansa.index.words import query_words


def asked(query: str) -> frozenset[str]:
    return asked_for(query_words(query))


@pytest.mark.parametrize(
    ("symbol", "share"),
    [
        ("Console.get_style", 0.5),
        ("Style.render_style", 1.0),
        ("renderStyles", 1.0),
        ("Rendering.parse", 0.0),
        ("", 0.0),
    ],
)
def test_a_name_is_judged_by_its_own_words(symbol: str, share: float) -> None:
    assert name_share(symbol, asked("rendering of styles")) == share


def test_the_definition_that_was_asked_for_comes_before_one_that_mentions_it() -> None:
    words = asked("parse the markup of a line")
    assert factor("parse_markup", "a.py", 20, words) > factor("main", "a.py", 20, words)
    assert factor("main", "a.py", 20, words) == 1.0


def test_tests_and_single_lines_count_less() -> None:
    assert factor("f", "tests/test_a.py", 20, frozenset()) == TEST_FACTOR
    assert factor("f", "a.py", 1, frozenset()) < factor("f", "a.py", 3, frozenset()) < 1
    assert is_test("Test/a.py")
    assert not is_test("attestation.py")


@pytest.mark.parametrize(
    "forms", ["render renders rendered rendering renderer", "query queries", "cache caches caching"]
)
def test_forms_of_a_word_share_a_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@given(st.text(), st.text(), st.integers(1, 10_000), st.frozensets(st.text()))
def test_a_factor_has_bounds(symbol: str, path: str, lines: int, words: frozenset[str]) -> None:
    assert 0 < factor(symbol, path, lines, words) <= 1 + NAME_GAIN
