"""Code and questions as words."""

from hypothesis import given
from hypothesis import strategies as st

from hansa.index.words import QUERY_WORDS_MAX, query_words, words


def test_identifiers_are_kept_whole_and_in_parts() -> None:
    assert words("drawTable") == "drawtable draw table"
    assert words("parse_HTTPHeader2") == "parse_httpheader2 parse http header 2"
    assert words("_private __init__") == "_private private __init__ init"
    assert words("x = y+1") == "x y 1"


def test_common_words_tell_nothing_unless_they_are_all_there_is() -> None:
    assert query_words("where is the table drawn?") == ["table", "drawn"]
    assert query_words("what is this") == ["what", "is", "this"]
    assert query_words("?!") == []


@given(st.text())
def test_queries_are_bounded(text: str) -> None:
    found = query_words(text * 50)
    assert len(found) <= QUERY_WORDS_MAX
    assert all(each and '"' not in each for each in found)
