"""`hansa edit`: shows first, changes only when told."""

import json
import sys
from pathlib import Path

import click
import pytest

CODE = "def mean(values):\n    return sum(values) / len(values)\n"
ANSWER = 'The mean of values."""'
NEW = CODE.replace("):\n", '):\n    """The mean of values."""\n')
ASK = ("edit", "a.py", "add a docstring to mean")


@pytest.fixture
def code(run, fixed_node) -> Path:
    fixed_node.texts = [ANSWER]
    path = Path("a.py")
    path.write_text(CODE)
    return path


async def test_nobody_to_ask_changes_nothing(run, code) -> None:
    ran = await run(*ASK)
    assert ran.code == 0
    assert ran.out.startswith("--- a/a.py\n+++ b/a.py\n@@")
    assert '+    """The mean of values."""\n' in ran.out
    assert "a.py is unchanged: nobody to ask; make the change with --yes" in ran.err
    assert code.read_text() == CODE


async def test_yes_changes(run, code) -> None:
    ran = await run(*ASK, "--yes")
    assert code.read_text() == NEW
    assert "changed a.py" in ran.err


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_person_is_asked(agrees, run, code, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: agrees)
    await run(*ASK)
    assert code.read_text() == (NEW if agrees else CODE)


@pytest.mark.parametrize("yes", [True, False])
async def test_json(yes, run, code) -> None:
    ran = await run(*ASK, "--json", *(["--yes"] if yes else []))
    told = json.loads(ran.out)
    assert told["applied"] is yes
    assert told["route"] == "acme/r1"
    assert told["diff"].startswith("--- a/a.py")
    assert code.read_text() == (NEW if yes else CODE)


async def test_a_rename_asks_no_node(run, code, fixed_node) -> None:
    ran = await run("edit", "a.py", "rename values to numbers", "--yes")
    assert ran.code == 0
    assert "renamed here, without a model" in ran.err
    assert code.read_text() == CODE.replace("values", "numbers")
    assert fixed_node.asked == []


async def test_an_edit_that_does_not_parse(run, code, fixed_node) -> None:
    fixed_node.texts = ["\n    return (("]
    ran = await run("edit", "a.py", "make mean shorter", "--yes")
    assert ran.code == 1
    assert "the model's edit does not parse; nothing was changed" in ran.err
    assert code.read_text() == CODE
    assert len(fixed_node.asked) == 2


async def test_a_file_that_changed_meanwhile(run, code, fixed_node, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    def agree_late(*_: object, **__: object) -> bool:
        code.write_text("theirs = 1\n")
        return True

    monkeypatch.setattr(click, "confirm", agree_late)
    ran = await run(*ASK)
    assert ran.code == 2
    assert "has changed since it was read; nothing was written" in ran.err
    assert code.read_text() == "theirs = 1\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("none.py", "x"), "there is no file none.py"),
        (("shop.py:1-2", "x"), "hint: lines are named by --lines 1-2"),
        (("a.py", "x", "--lines", "9"), "is no range of lines"),
        (("a.py", "x", "--lines", "1-9"), "a.py has 2 lines; line 9 is outside"),
        (("a.py", " "), "the instruction has 0"),
        (("a.py", "rename nothing to something"), "there is no nothing to rename"),
    ],
)
async def test_wrong_use(args, says, run, code) -> None:
    ran = await run("edit", *args)
    assert ran.code == 2
    assert says in ran.err
