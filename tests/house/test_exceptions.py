"""What departs from a rule says why, on its line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.repository import ROOT, name_of, parse, python_files

OURS = ("src", "tests", "scripts", "benchmarks")

_RULE = r"(?:noqa(?::\s*[A-Z0-9, ]+?)?|(?:type|pyright):\s*ignore(?:\[[^]]*\])?)"
IGNORE = re.compile(rf"#\s*{_RULE}(?=\s{{2}}|\s*$|\s+#)(?P<reason>.*)$")
BROAD = {"Exception", "BaseException"}


def test_every_ignore_has_its_reason():
    bare = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in python_files(*OURS)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := IGNORE.search(line)) and not _says_why(found["reason"])
    ]
    assert bare == []


def test_a_broad_except_raises_again_or_says_why_not():
    silent = [
        f"{name_of(path)}:{handler.lineno}"
        for path in python_files(*OURS)
        for handler in _broad_handlers(parse(path))
        if not isinstance(handler.body[-1], ast.Raise) and not _has_reason(path, handler.lineno)
    ]
    assert silent == []


def test_every_rule_left_out_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.partition("\nignore = [\n")[2].partition("\n]")[0].splitlines()
    per_file = text.partition("[tool.ruff.lint.per-file-ignores]\n")[2].partition("\n\n")[0]
    entries = listed + per_file.splitlines()
    assert len(entries) > len(listed) > 0
    assert [line for line in entries if not _says_why(line.partition("#")[2])] == []


@pytest.mark.parametrize(
    ("line", "says_why"),
    [
        ("x  # noqa: S608  fixed names", True),
        ("x  # noqa: S608", False),
        ("x  # type: ignore[arg-type]  the click option checked it", True),
        ("x  # type: ignore[arg-type]", False),
        ("x  # pyright: ignore", False),
    ],
)
def test_a_reason_is_told_from_a_rule(line: str, says_why: bool):
    found = IGNORE.search(line)
    assert found
    assert _says_why(found["reason"]) is says_why


def _says_why(text: str) -> bool:
    return bool(re.search(r"[a-zA-Z]{3}", text))


def _has_reason(path: Path, number: int) -> bool:
    line = path.read_text("utf-8").splitlines()[number - 1]
    found = IGNORE.search(line)
    return _says_why(found["reason"] if found else line.partition("#")[2])


def _broad_handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            names = ast.walk(node.type) if node.type else ()
            caught = {each.id for each in names if isinstance(each, ast.Name)}
            if node.type is None or caught & BROAD:
                yield node
