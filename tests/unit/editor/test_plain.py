"""What others send cannot steer a terminal; what is typed is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.clock import Clock
from hansa.core.errors import UserError
from hansa.editor.failures import as_error
from hansa.editor.mock import MockAnswers
from hansa.editor.plain import check_words, plain
from hansa.editor.reading import read
from hansa.wire.native import ErrorBody
from hansa.wire.requests import Request

BELL = "a\x1b[2Jb\x9bc\r\n\td"


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    kept = plain(text)
    assert all(char in "\t\n" or not 0 <= ord(char) < 32 for char in kept)
    assert not set(kept) & set(map(chr, range(127, 160)))


async def test_answers_and_errors_are_plain(clock: Clock) -> None:
    request = Request(id="r", task="chat")
    assert (await read(MockAnswers(BELL), request, clock)).text == "a[2Jbc\n\td"
    assert as_error(ErrorBody("engine_error", BELL)).message == "a[2Jbc\n\td"


@pytest.mark.parametrize("text", ["", " \n", "x" * 11, "a\udcff"])
def test_words_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="the question"):
        check_words(text, "the question", 10)


def test_words_are_stripped() -> None:
    assert check_words(" why? ", "the question", 10) == "why?"
