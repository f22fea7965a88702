"""Lines become a function that does the same, or are refused by name."""

import pytest

from hansa.core.errors import Conflict, UserError
from hansa.editor.refactor.extract import extract

CODE = """\
import math

RATE = 2


class Shop:
    @property
    def price(self):
        base = self.base
        total = 0
        for each in base:
            total += each * RATE
            last = each
        rest = [x for x in base if x > total]
        print(rest, last)
        return math.sqrt(total)
"""


def test_what_is_read_comes_in_and_what_is_read_later_goes_out() -> None:
    made = extract("a.py", CODE, (14, 14), "select")
    assert "def select(base, total):\n    rest = [x for x in base if x > total]\n" in made
    assert "    return rest\n\n\nclass Shop:" in made
    assert "        rest = select(base, total)\n        print(rest, last)" in made


def test_a_function_that_returns_nothing() -> None:
    made = extract("a.py", CODE, (15, 15), "show")
    assert "def show(rest, last):\n    print(rest, last)\n\n\nclass Shop:" in made
    assert "\n        show(rest, last)\n        return math" in made


def test_a_body_of_a_loop_keeps_what_it_adds_to() -> None:
    made = extract("a.py", CODE, (12, 13), "step")
    assert "def step(total, each):\n    total += each * RATE\n    last = each\n" in made
    assert "            total, last = step(total, each)\n" in made


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    a = n + 1\n    b = a * 2\n    c = b - n\n    return a, b, c\n", (2, 3)),
        ("    s = 0\n    for i in range(n):\n        s += i\n    return s\n", (3, 4)),
        ("    s = 0\n    for i in range(n):\n        if i % 2:\n            s += i\n"
         "    return s\n", (4, 5)),
        ("    x = 1\n    if n:\n        x = 2\n    return x\n", (3, 4)),
        ("    with open('/dev/null') as f:\n        t = f.read()\n    return t, n\n", (2, 3)),
        ("    def g(y):\n        return y + n\n    return g(2)\n", (2, 3)),
        ("    i = 0\n    while True:\n        i += n + 1\n        if i > 9:\n            break\n"
         "    return i\n", (3, 6)),
    ],
)  # fmt: skip
def test_it_does_the_same(body: str, lines: tuple[int, int]) -> None:
    code = f"def f(n):\n{body}"
    made = extract("a.py", code, lines, "part")
    assert _run(made) == _run(code)
    assert "part(" in made


def _run(code: str) -> list[object]:
    space: dict[str, object] = {}
    exec(code, space)
    function = space["f"]
    assert callable(function)
    return [function(n) for n in range(4)]


@pytest.mark.parametrize(
    ("body", "lines", "says"),
    [
        ("    if n:\n        return 1\n    return 2\n", (2, 3), "line 3 of a.py holds return"),
        (
            "    for i in n:\n        if i:\n            break\n",
            (3, 4),
            "line 4 of a.py holds break",
        ),
        ("    yield n\n", (2, 2), "line 2 of a.py holds yield"),
        ("    x = '''a\nb'''\n    return x\n", (2, 3), "holds a string of several lines"),
        ("    if n:\n        x = 1\n    return x\n", (2, 3), "set x only sometimes"),
        ("    global g\n    g = 1\n", (2, 3), "line 2 of a.py holds global"),
    ],
)
def test_what_cannot_be_moved(body: str, lines: tuple[int, int], says: str) -> None:
    with pytest.raises(Conflict, match=says):
        extract("a.py", f"def f(n):\n{body}", lines, "part")


@pytest.mark.parametrize(
    ("lines", "name", "says"),
    [
        ((11, 11), "x1", "lines 11-11 of a.py are not whole statements"),
        ((9, 99), "if", "'if' cannot be a name"),
        ((14, 14), "Shop", "Shop is a name in a.py already"),
        ((3, 3), "x1", "outside of a function"),
    ],
)
def test_wrong_use(lines: tuple[int, int], name: str, says: str) -> None:
    with pytest.raises((UserError, Conflict), match=says):
        extract("a.py", CODE, lines, name)
