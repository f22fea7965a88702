"""Which definitions a line needs."""

from hypothesis import given
from hypothesis import strategies as st

from hansa.index.needs import NAMES_MAX, rank, wanted


def test_what_is_called_comes_before_what_is_named_and_before_the_lines_above() -> None:
    names = list(wanted(["style = theme.lookup(name)"], "    table.add_row(cells)"))
    assert names[:3] == ["add_row", "table", "cells"]
    assert names.index("lookup") < names.index("theme")


def test_keywords_and_strings_are_no_names() -> None:
    assert list(wanted([], "return await fetch('some text', \"more\")")) == ["fetch"]


def test_the_letter_before_a_string_is_no_name() -> None:
    line = """show(f"{x}", rb'some', buf"text", of("u"))"""
    found = list(wanted(["raise ValueError(f'no {what}')"], line))
    assert found == ["show", "of", "buf", "ValueError"]


def test_the_nearest_file_wins_among_equals() -> None:
    places = {"load": [("far", "b/c/far.py"), ("near", "a/near.py")]}
    found = rank(wanted([], "load(x)"), lambda name: places.get(name, []), "a/asking.py")
    assert [key for key, _ in found] == ["near", "far"]


def test_a_rare_name_wins_over_one_that_many_define() -> None:
    places = {
        "get": [(f"get-{n}", f"a/{n}.py") for n in range(9)],
        "get_style": [("style", "z/style.py")],
    }
    line = "get(get_style(x))"
    found = rank(wanted([], line), lambda name: places.get(name, []), "a/asking.py")
    assert found[0][0] == "style"


def test_a_definition_elsewhere_comes_before_one_in_the_file_itself() -> None:
    places = {"draw": [("own", "a/asking.py"), ("other", "a/other.py")]}
    found = rank(wanted([], "draw()"), lambda name: places.get(name, []), "a/asking.py")
    assert [key for key, _ in found] == ["other", "own"]


@given(st.lists(st.text(), max_size=20), st.text())
def test_any_text_is_a_line(above: list[str], line: str) -> None:
    names = wanted(above, line)
    assert len(names) <= NAMES_MAX
    assert list(names.values()) == sorted(names.values(), reverse=True)
    assert rank(names, lambda _name: [], "a.py") == []
