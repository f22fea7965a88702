"""Hunks find their one place, or are refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import Conflict
from hansa.editor.apply import unified_diff
from hansa.editor.patch.conflicts import NAMED_MAX
from hansa.editor.patch.formats import read_patch
from hansa.editor.patch.merge import merge, merge_whole

SHOP = """\
class Basket:
    def total(self):
        result = 0
        for price in self.prices:
            result += price
        return result

    def count(self):
        result = 0
        for price in self.prices:
            result += 1
        return result
"""


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def merged(text: str, patch: str, name: str = "shop.py") -> str:
    (file,) = read_patch(patch)
    return merge(name, text, file.hunks)


def test_an_exact_block() -> None:
    patch = block("            result += 1\n", "            result += 2\n")
    assert merged(SHOP, patch) == SHOP.replace("+= 1", "+= 2")


def test_indentation_is_taken_from_the_file() -> None:
    patch = block(
        "for price in self.prices:\n    result += 1\nreturn result\n",
        "for price in self.prices:\n    if price:\n        result += 1\nreturn result\n",
    )
    assert merged(SHOP, patch) == SHOP.replace(
        "            result += 1\n", "            if price:\n                result += 1\n"
    )


def test_tabs_for_spaces() -> None:
    text = "def f():\n\tif x:\n\t\treturn 1\n\treturn 2\n"
    patch = block("    if x:\n        return 1\n", "    if x:\n        log()\n        return 1\n")
    assert merged(text, patch) == "def f():\n\tif x:\n\t\tlog()\n\t\treturn 1\n\treturn 2\n"


def test_indentation_that_cannot_be_told() -> None:
    text = "def f():\n\tif x:\n\t\treturn 1\n\treturn 2\n"
    patch = block(
        "    if x:\n        return 1\n", "    if x:\n            y = 2\n        return 1\n"
    )
    with pytest.raises(Conflict, match="how 'y = 2' is to be indented cannot be told"):
        merged(text, patch)


def test_two_places_are_refused() -> None:
    with pytest.raises(
        Conflict,
        match=r"shop.py, hunk 1: 'result = 0' stands in 2 places, from "
        r"lines 3, 9 on",
    ):
        merged(SHOP, block("        result = 0\n", "        result = 1\n"))


def test_a_diff_s_own_numbers_decide_between_equal_places() -> None:
    new = SHOP[::-1].replace("0 = tluser", "1 = tluser", 1)[::-1]
    patch = "--- a/s\n+++ b/s\n@@ -9 +9 @@\n-        result = 0\n+        result = 1\n"
    assert merged(SHOP, patch) == new
    with pytest.raises(Conflict, match="stands in 2 places"):
        merged("# new\n" + SHOP, patch)


def test_stale_lines_around_are_kept_as_they_are() -> None:
    text = SHOP.replace("    def count(self):", "    def count(self):  # how many")
    old = "    def count(self):\n        result = 0\n        for price in self.prices:\n"
    patch = block(
        "        return result\n\n" + old + "            result += 1\n",
        "        return result\n\n" + old + "            result += 2\n",
    )
    with pytest.raises(Conflict, match="has no line 'def count"):
        merged(text, patch)
    text = SHOP.replace("        return result\n\n    def c", "        return +result\n\n    def c")
    assert merged(text, patch) == text.replace("+= 1", "+= 2")


def test_a_changed_line_that_is_stale_is_refused() -> None:
    text = SHOP.replace("result += 1", "result += one")
    patch = block(
        "    def count(self):\n        result = 0\n        for price in self.prices:\n"
        "            result += 1\n        return result\n",
        "    def count(self):\n        result = 0\n        for price in self.prices:\n"
        "            result += 2\n        return result\n",
    )
    with pytest.raises(
        Conflict,
        match=r"changes 'result \+= 1', which is not there as it was; the "
        r"nearest is line 8, 9\d% alike",
    ):
        merged(text, patch)


def test_nothing_alike_names_the_nearest() -> None:
    with pytest.raises(
        Conflict,
        match=r"hunk 1: 'for price in self.prices:' and 1 more line is "
        r"not there; the nearest is line 4, \d\d% alike",
    ):
        merged(SHOP, block("for price in self.prices:\n    print(price, file=sys.stderr)\n", "x\n"))
    with pytest.raises(Conflict, match=r"'result \+= 2' is not there; .* line 11, 'result \+= 1'"):
        merged(SHOP, block("result += 2\n", "x\n"))
    with pytest.raises(Conflict, match="nor anything like it"):
        merged(SHOP, block("import nothing\n", "x\n"))


def test_a_diff_s_place_that_changed_is_not_taken_for_its_twin() -> None:
    """The lines stand elsewhere to the letter; where the diff points they have changed since."""
    half = "def one():\n    a = 1\n    b = 2\n    c = 3\n    return a\n"
    text = half.replace("def one", "def two") + "\n" * 9 + half
    patch = unified_diff("x.py", half, half.replace("c = 3", "c = 4"))
    with pytest.raises(Conflict, match="in line 15, but line 1, 87% alike, may be meant"):
        merged(text.replace("def two():", "def one():  # changed"), patch)


def test_hunks_that_overlap() -> None:
    patch = block(
        "        return result\n\n    def count(self):\n", "    def count(self):\n"
    ) + block(
        "    def count(self):\n        result = 0\n", "    def size(self):\n        result = 0\n"
    )
    assert merged(SHOP, patch).count("def size") == 1
    twice = block("            result += 1\n", "x\n") * 2
    with pytest.raises(Conflict, match="hunks 1 and 2 change the same lines"):
        merged(SHOP, twice)


def test_every_hunk_that_does_not_fit_is_named() -> None:
    patch = (
        block("import nothing\n", "x\n")
        + block("            result += 1\n", "            result += 2\n")
        + block("        result = 0\n", "x\n")
    )
    with pytest.raises(Conflict) as refused:
        merged(SHOP, patch)
    head, *named = refused.value.message.split("\n")
    assert head == "2 parts of the patch do not fit:"
    assert [each[:18] for each in named] == ["  shop.py, hunk 1:", "  shop.py, hunk 3:"]
    assert refused.value.hint == "give more lines around it, so that one place is meant"


def test_a_patch_for_another_text_is_not_named_hunk_by_hunk() -> None:
    count = NAMED_MAX + 5
    with pytest.raises(Conflict) as refused:
        merged(SHOP, "".join(block(f"import nothing{n}\n", "x\n") for n in range(count)))
    head, *named = refused.value.message.split("\n")
    assert head == f"more than {NAMED_MAX} parts of the patch do not fit:"
    assert [each.split(":")[0] for each in named] == [
        f"  shop.py, hunk {n}" for n in range(1, NAMED_MAX + 1)
    ]


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("theirs", ["\n", "\r\n"])
@pytest.mark.parametrize("form", ["block", "diff", "whole"])
def test_endings_and_marks_stay(end: str, mark: str, newline: str, theirs: str, form: str) -> None:
    old, new = "a = 1\nb = 2" + end, "a = 1\nc = 3\nb = 4" + end
    patch = {
        "block": block("b = 2\n", "c = 3\nb = 4\n"),
        "diff": unified_diff("x.py", old, new),
        "whole": new,
    }[form].replace("\n", theirs)
    (file,) = read_patch(patch)
    text = mark + old.replace("\n", newline)
    made = merge_whole("x.py", text, file.whole) if form == "whole" and file.whole else (
        merge("x.py", text, file.hunks))  # fmt: skip
    assert made == mark + new.replace("\n", newline)


def test_whole_files_with_parts_left_out() -> None:
    with pytest.raises(Conflict, match=r"line 2 of the new text, '# \.\.\. rest of the code"):
        merge_whole("x.py", "a = 1\n", "a = 2\n# ... rest of the code unchanged\n")


def test_a_diff_of_the_end_needs_the_end() -> None:
    patch = unified_diff("x.py", "a\nb", "a\nc")
    with pytest.raises(Conflict, match="by the patch the file ends there"):
        merged("a\nb\n", patch)


TEXT = st.lists(st.sampled_from(["a", "b", "", "  a", "-- x", "++ y", "\r", "c\r", "@@ -1 +1 @@"]),
                max_size=14).map("\n".join)  # fmt: skip


@given(TEXT, TEXT)
def test_the_diff_of_two_texts_gives_the_second(old: str, new: str) -> None:
    diff = unified_diff("a.py", old, new)
    if diff:
        (file,) = read_patch(diff, "diff")
        assert merge("a.py", old, file.hunks) == new


@given(TEXT, TEXT)
def test_the_diff_taken_back_gives_the_first(old: str, new: str) -> None:
    there, back = unified_diff("a.py", old, new), unified_diff("a.py", new, old)
    if there:
        (file,) = read_patch(back, "diff")
        assert merge("a.py", new, file.hunks) == old
