"""A value stands where its name stood, and the program does the same; or it is refused by name."""

import pytest

from hansa.core.errors import Conflict, NotFound
from hansa.editor.refactor.inline import inline


@pytest.mark.parametrize(
    ("code", "what", "made"),
    [
        ("def f(a):\n    b = a + 1\n    return b * 2\n", "b",
         "def f(a):\n    return (a + 1) * 2\n"),
        ("def f(a):\n    b = g(a)\n    return b\n", "b", "def f(a):\n    return g(a)\n"),
        ("def f(ä):\n    b = ä.c\n    return 'ö', b, b\n", "b",
         "def f(ä):\n    return 'ö', ä.c, ä.c\n"),
        ("def d(x):\n    return x * 2\n\n\ny = d(1 + 2) + d(3)\n", "d",
         "y = ((1 + 2) * 2) + (3 * 2)\n"),
        ('def d(x):\n    """Two."""\n    return x * 2\n\n\ny = d(g())\n', "d", "y = (g() * 2)\n"),
    ],
)  # fmt: skip
def test_inlined(code: str, what: str, made: str) -> None:
    assert inline("a.py", code, what) == made


@pytest.mark.parametrize(
    ("code", "what", "says"),
    [
        ("def f(a):\n    b = 1\n    b = 2\n    return b\n", "b", "assigned in lines 2, 3"),
        ("def f(a):\n    b = g()\n    return b + b\n", "b", "calls something, and is used 2 times"),
        ("def f(a):\n    b = a\n    a = 2\n    return b\n", "b", "line 3 of a.py changes a"),
        ("def f(a):\n    b = g()\n    h()\n    return b\n", "b", "the order would change"),
        (
            "def f(a):\n    b = g()\n    for _ in a:\n        print(b)\n",
            "b",
            "the loop or function",
        ),
        (
            "def f(a):\n    b = []\n    b.append(a)\n    return b\n",
            "b",
            "each use would get its own",
        ),
        ("def f(a):\n    b = [1]\n    for c in a:\n        c(b)\n", "b", "would be made again"),
        ("def f(a):\n    b = 1\n", "b", "is used nowhere"),
        ("b = 1\nc = b\n", "b", "no local variable that is set"),
        ("def d(x):\n    y = x\n    return y\n\n\nz = d(1)\n", "d", "more than one returned"),
        ("def d(x):\n    return x\n\n\nz = map(d, [1])\n", "d", "another way than by a call"),
        ("def d(x):\n    return x + x\n\n\nz = d(g())\n", "d", "would do so 2 times"),
        ("def d(x=1):\n    return x\n\n\nz = d(1)\n", "d", "parameters other than plain"),
        ("def d(x):\n    return d(x)\n\n\nz = d(1)\n", "d", "calls itself"),
    ],
)
def test_refused(code: str, what: str, says: str) -> None:
    with pytest.raises(Conflict, match=says):
        inline("a.py", code, what)


def test_nothing_of_that_name() -> None:
    with pytest.raises(NotFound, match=r"a\.py has no local variable and no function zz"):
        inline("a.py", "x = 1\n", "zz")
