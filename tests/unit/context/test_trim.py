"""What a model generated is cut to what belongs at the cursor."""

import keyword
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.context.repeats import cut_repeats, open_brackets
from hansa.context.trim import block_end, trim

PIECES = st.lists(
    st.sampled_from(
        ["x", " ", "    ", "\n", "\n\n", "(", ")", "[", "]", "{", "}", ":", "def f():", "return",
         "value", '"', ",", "=", "# note", "@it", "class A:", "\t"]
    ),
    max_size=24,
).map("".join)  # fmt: skip


def trimmed(generated: str, before: str, after: str = "", *, cut_off: bool = False) -> str:
    multiline = not after.partition("\n")[0].strip()
    return trim(generated, before, after, path="a.py", multiline=multiline, cut_off=cut_off)


@given(PIECES, PIECES, PIECES, st.booleans(), st.booleans())
def test_the_result_is_a_beginning_and_never_blank(
    generated: str, before: str, after: str, multiline: bool, cut_off: bool
) -> None:
    result = trim(generated, before, after, path="a.py", multiline=multiline, cut_off=cut_off)
    assert generated.startswith(result)
    assert result == "" or result.strip()
    assert multiline or "\n" not in result


@given(PIECES, PIECES, st.booleans())
def test_a_block_that_has_ended_stays_ended(before: str, generated: str, multiline: bool) -> None:
    ends = [
        block_end(generated[:size], before, multiline=multiline)
        for size in range(len(generated) + 1)
    ]
    ended = [end for end in ends if end is not None]
    assert ends[len(ends) - len(ended) :] == ended
    assert len(set(ended)) <= 1


@given(
    st.lists(st.sampled_from(["first()", "second = 2", "if third:", "    fourth()"]), max_size=4),
    st.lists(st.sampled_from(["return result", "other.call(1)", "final_value = 3"]), min_size=1),
    st.data(),
)
def test_the_lines_below_are_never_repeated(
    wanted: list[str], below: list[str], data: st.DataObject
) -> None:
    after = "".join(f"\n    {line}" for line in below)
    text = "\n    ".join(wanted)
    repeated = after[: data.draw(st.integers(0, len(after)))]
    result = trimmed(text + after, "def f():\n    ", after)
    assert below[0] not in result
    assert text.startswith(result)
    assert below[0] not in trimmed(text + after + repeated, "def f():\n    ", after)


CALLS = st.from_regex(r"[a-z]{1,6}(\([a-z]{1,3}\))?", fullmatch=True).filter(
    lambda text: not any(keyword.iskeyword(word) for word in re.findall(r"\w+", text))
)


@given(CALLS, st.sampled_from(list(")],}")))
def test_the_rest_of_the_line_is_not_repeated(wanted: str, rest: str) -> None:
    opener = {")": "f(", "]": "f[", "}": "f{", ",": "f("}[rest]
    assert trimmed(wanted + rest, f"x = {opener}", rest) == wanted


@pytest.mark.parametrize(
    ("generated", "rest", "expected"),
    [
        ("f(x)", ")", "f(x)"),  # Its bracket closes its own.
        ("f(x))", ")", "f(x)"),
        ("beta", "alpha", "beta"),  # No cut inside a word.
        ('hello")', '")', "hello"),
        ("a, b) # sum", ")", "a, b) # sum"),
        ("a)", ") # sum", "a"),
    ],
)
def test_cut_repeats_on_the_cursors_line(generated: str, rest: str, expected: str) -> None:
    assert cut_repeats(generated, "y = g(", rest) == expected


@pytest.mark.parametrize(
    ("before", "generated", "expected"),
    [
        # Less indented than the cursor.
        ("def f():\n    ", "x = 1\n    return x\n\ny = f()", "x = 1\n    return x"),
        # Another definition beside the one asked for.
        ("", "def f():\n    return 1\n\n\ndef g():\n    return 2", "def f():\n    return 1"),
        ("class A:\n    ", "def a(self):\n        pass\n\n    def b", "def a(self):\n        pass"),
        ("", "@cached\ndef f():\n    return 1\nclass B:", "@cached\ndef f():\n    return 1"),
        # The body of an opener, deeper than its line.
        ("if a:", "\n    b()\nelse:\n    c()", "\n    b()"),
        ("x = [", "\n    1,\n    2,\n]\ny = 3", "\n    1,\n    2,\n]"),
        # Two blank lines end a block.
        ("def f():\n    ", "a()\n\n\n    b()", "a()"),
        # Half a statement at the end.
        ("def f(a):\n    ", "b = 1\n    return (a", "b = 1"),
        ("", "   \n  ", ""),
    ],
)
def test_blocks(before: str, generated: str, expected: str) -> None:
    assert trimmed(generated, before) == expected


def test_half_a_line_is_dropped_at_the_token_limit() -> None:
    before, generated = "def f():\n    ", "first()\n    sec"
    assert trimmed(generated, before, cut_off=True) == "first()"
    assert trimmed(generated, before) == generated
    assert trimmed("fir", before, cut_off=True) == "fir"


def test_what_parsed_before_parses_after() -> None:
    before, after = "def f(a):\n    ", "\n\n\ndef g():\n    return 1\n"
    generated = "if a:\n        b()\n    else:\n        c(\n            1,\n"
    assert trimmed(generated, before, after) == "if a:\n        b()"


def test_a_file_that_does_not_parse_anyway_still_gets_closed_brackets() -> None:
    before = "def broken(:\n    pass\n\ndef f():\n    "
    assert trimmed("a = 1\n    b = (2,", before) == "a = 1"


def test_a_long_file_is_checked_around_the_cursor() -> None:
    far = "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(3000))
    generated = "a = 1\n    return ("
    assert trimmed(generated, far + "def g():\n    ", "\n\n\n" + far) == "a = 1"


def test_white_space_that_parts_words_stays() -> None:
    assert trimmed("not ", "return ", "x") == "not "


@pytest.mark.parametrize(
    ("text", "count"), [("f(x", 1), ("f(x)", 0), ("([{", 3), ('"("', 0), (")(", 1), ("'\\'('", 0)]
)
def test_open_brackets(text: str, count: int) -> None:
    assert open_brackets(text) == count


def test_a_suggestion_that_breaks_a_file_that_parsed_is_dropped() -> None:
    before, after = "class Basket:\n    def ", "total(self):\n        return 1\n"
    said = trim("get_total(self) -> float:", before, after, path="a.py", multiline=False)
    assert said == ""


def test_a_call_that_goes_on_below_is_no_break() -> None:
    said = trim("add(one,", "x = ", "\ny = 2\n", path="a.py", multiline=False)
    assert said == "add(one,"
