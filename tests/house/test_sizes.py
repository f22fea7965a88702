"""Modules and functions stay small enough to be read in one go."""

import ast
import statistics
from collections.abc import Iterator

import pytest

from support.repository import name_of, parse, python_files

MODULE_LINES_MEDIAN_MAX = 150
MODULE_LINES_MAX = 500
FUNCTION_LINES_P95_MAX = 45
FUNCTION_LINES_MAX = 70

ALLOWED: dict[str, str] = {}
"""`file.py` or `file.py:function` to the reason why it may be longer; each entry has to be used."""


@pytest.fixture(scope="module")
def modules() -> dict[str, int]:
    return {
        name_of(path): len(path.read_text("utf-8").splitlines()) for path in python_files("src")
    }


@pytest.fixture(scope="module")
def functions() -> dict[str, int]:
    return {
        f"{name_of(path)}:{name}": lines
        for path in python_files("src")
        for name, lines in _functions(parse(path))
    }


def test_modules_are_small(modules: dict[str, int]):
    long = {name: n for name, n in modules.items() if n > MODULE_LINES_MAX}
    assert long.keys() - ALLOWED.keys() == set(), long
    assert statistics.median(modules.values()) <= MODULE_LINES_MEDIAN_MAX


def test_functions_fit_a_screen(functions: dict[str, int]):
    long = {name: n for name, n in functions.items() if n > FUNCTION_LINES_MAX}
    assert long.keys() - ALLOWED.keys() == set(), long
    assert statistics.quantiles(functions.values(), n=20)[-1] <= FUNCTION_LINES_P95_MAX


def test_the_allow_list_is_needed(modules: dict[str, int], functions: dict[str, int]):
    long = {name for name, n in modules.items() if n > MODULE_LINES_MAX}
    long |= {name for name, n in functions.items() if n > FUNCTION_LINES_MAX}
    assert ALLOWED.keys() <= long
    assert all(len(reason) > 10 for reason in ALLOWED.values())


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno
            yield node.name, node.end_lineno - node.lineno + 1
