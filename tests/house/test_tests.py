"""Tests wait for what happens, never for time to pass."""

import ast

import pytest

from support.repository import ROOT, name_of, parse, python_files

TESTS = [path for path in python_files("tests") if not path.is_relative_to(ROOT / "tests/support")]


def test_no_test_sleeps():
    sleeps = [
        f"{name_of(path)}:{node.lineno}"
        for path in TESTS
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and _sleeps(node)
    ]
    assert sleeps == []


@pytest.mark.parametrize(
    ("code", "sleeps"),
    [
        ("time.sleep(0.1)", True),
        ("sleep(1)", True),
        ("asyncio.sleep(delay)", True),
        ("asyncio.sleep(0)", False),
        ("clock.advance(1)", False),
    ],
)
def test_a_sleep_is_told_from_a_yield(code: str, sleeps: bool):
    assert _sleeps(ast.parse(code, mode="eval").body) is sleeps


def _sleeps(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    waits = not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    return name == "sleep" and waits
