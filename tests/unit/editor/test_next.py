"""Next edits that follow without a model."""

import pytest

from hansa.editor.next.changes import changes
from hansa.editor.next.predict import predict
from hansa.editor.next.tokens import tokens

SHOP = """\
def total(prices, tax):
    result = sum(prices)
    return result + tax


def show(prices):
    print(total(prices, 1))
    return total(prices, 2)
"""


def predicted(before: str, now: str, path: str = "a.py") -> dict[int, str]:
    return {edit.line: edit.new for edit in predict(path, before, now)}


def test_a_function_that_is_renamed_is_renamed_where_it_is_called() -> None:
    assert predicted(SHOP, SHOP.replace("def total(", "def basket_total(")) == {
        7: "    print(basket_total(prices, 1))",
        8: "    return basket_total(prices, 2)",
    }


def test_a_variable_is_renamed_in_its_function_only() -> None:
    now = SHOP.replace("    result = sum", "    amount = sum") + "\n\nresult = 1\nprint(result)\n"
    assert predicted(SHOP + "\n\nresult = 1\nprint(result)\n", now) == {
        3: "    return amount + tax"
    }


def test_a_parameter_is_renamed_in_the_body() -> None:
    assert predicted(SHOP, SHOP.replace("prices, tax):", "prices, fee):")) == {
        3: "    return result + fee"
    }


def test_a_use_that_was_written_just_before_follows_too() -> None:
    before = "def total():\n    pass\n"
    assert predicted(before, "def price():\n    pass\n\ntotal()\n") == {4: "price()"}


def test_the_nearest_edit_comes_first() -> None:
    now = SHOP.replace("def total(", "def basket_total(")
    assert [edit.line for edit in predict("a.py", SHOP, now, line=8)] == [8, 7]


@pytest.mark.parametrize(
    "now",
    [
        SHOP.replace("def total(", "def show("),  # There is a show already.
        SHOP.replace("total(prices, 1)", "price(prices, 1)"),  # Another function is called.
        SHOP + "# total is said in a comment\n",
        SHOP.replace("total", "basket_total"),  # All is done.
    ],
)
def test_what_does_not_follow_is_not_proposed(now: str) -> None:
    assert predicted(SHOP, now) == {}


def test_strings_and_comments_keep_the_old_name() -> None:
    before = 'def total():  # total\n    return "total"\n\n\ntotal()\n'
    assert predicted(before, before.replace("def total", "def price")) == {5: "price()"}


def test_a_change_made_twice_is_proposed_where_it_was_not_made() -> None:
    before = "".join(f"x{n} = settings.get('key{n}', None)\n" for n in range(4)).replace("'", '"')
    lines = before.split("\n")
    now = "\n".join([*(line.replace(", None)", ")") for line in lines[:2]), *lines[2:]])
    # What stands before is never the same, so it is chance; the same call is not.
    assert predicted(before, now) == {}
    same = "a = get(key, None)\nb = get(key, None)\nc = get(key, None)\nd = get(other, None)\n"
    half = same.replace("get(key, None)", "get(key)", 2)
    assert predicted(same, half) == {3: "c = get(key)"}


def test_an_argument_that_a_definition_and_one_call_have_got_goes_to_the_other_calls() -> None:
    before = SHOP
    now = SHOP.replace("(prices, tax):", "(prices, tax, strict):").replace(
        "total(prices, 1)", "total(prices, 1, True)"
    )
    assert predicted(before, now)[8] == "    return total(prices, 2, True)"


def test_a_file_of_no_known_language_has_no_tokens() -> None:
    assert tokens("a.txt", "total") == ()
    assert predict("a.txt", "total", "price") == []


def test_changes_are_in_lines() -> None:
    [change] = changes("a\nb\nc", "a\nx\ny\nc")
    assert (change.old_start, change.old, change.new_start, change.new) == (
        2, ("b",), 2, ("x", "y"),
    )  # fmt: skip
    assert changes("a", "a") == []
