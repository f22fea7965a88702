"""Renames without a model: all of one name, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.editor.rename import read_rename, rename


@pytest.mark.parametrize(
    ("instruction", "names"),
    [
        ("rename a to b", ("a", "b")),
        ("Rename the function `get_x` to `read_x`.", ("get_x", "read_x")),
        ("rename variable tmp -> total", ("tmp", "total")),
        ("rename a to b and add a docstring", None),
        ("add a docstring", None),
        ("rename 1 to 2", None),
    ],
)
def test_read_rename(instruction: str, names: tuple[str, str] | None) -> None:
    assert read_rename(instruction) == names


def test_only_the_name_and_not_in_strings() -> None:
    code = 'tmp = tmps + atmp  # tmp\nprint("tmp", f\'{1}\', tmp)\n"""tmp"""\n'
    assert rename(code, "tmp", "total") == (
        'total = tmps + atmp  # total\nprint("tmp", f\'{1}\', total)\n"""tmp"""\n'
    )


def test_two_names_never_become_one() -> None:
    with pytest.raises(UserError, match="both would become one"):
        rename("a = b", "a", "b")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(UserError, match="there is no c"):
        rename('a = "c"', "c", "d")


@given(st.text("ab \n'\"=", max_size=40))
def test_there_and_back(code: str) -> None:
    code = f"zz = 1\n{code}"
    assert rename(rename(code, "zz", "yy"), "yy", "zz") == code
