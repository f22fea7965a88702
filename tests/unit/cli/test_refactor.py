"""`hansa refactor`: shown, written as one change, tested, taken back."""

import json
from pathlib import Path

import pytest

PRICES = "def total(values):\n    both = sum(values)\n    return both\n"
USE = "from prices import total\n\nprint(total([1]))\n"


def read(name: str) -> str:
    return Path(name).read_text()


def put(name: str, text: str, encoding: str = "utf-8") -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding)


@pytest.fixture(autouse=True)
def code(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    put("prices.py", PRICES)
    put("use.py", USE)
    put("pyproject.toml", "")


async def test_rename_and_undo(run) -> None:
    ran = await run("refactor", "rename", "total", "add_up")
    assert "-from prices import total\n+from prices import add_up\n" in ran.out
    assert read("use.py") == USE
    ran = await run("refactor", "rename", "total", "add_up", "--yes", "--json")
    assert json.loads(ran.out)["applied"] is True
    assert read("use.py") == USE.replace("total", "add_up")
    assert (await run("undo")).code == 0
    assert read("use.py") == USE
    assert read("prices.py") == PRICES


@pytest.mark.parametrize(("wanted", "exits"), [("add_up", 0), ("total", 1)])
async def test_tests_decide(run, wanted, exits) -> None:
    put(
        "test_prices.py",
        f"import prices\n\n\ndef test_it():\n    assert getattr(prices, '{wanted}')([1]) == 1\n",
    )
    ran = await run("refactor", "rename", "total", "add_up", "--yes", "--test", "--leave", "all")
    assert ran.code == exits, ran.err
    assert ("add_up" in read("use.py")) is (exits == 0)
    assert ("it was undone" in ran.err) is (exits == 1)


async def test_extract_and_inline(run) -> None:
    ran = await run("refactor", "extract", "prices.py", "2-2", "add", "--yes")
    assert ran.code == 0, ran.err
    assert "both = add(values)" in read("prices.py")
    await run("undo")
    ran = await run("refactor", "inline", "prices.py", "both", "--yes")
    assert read("prices.py") == "def total(values):\n    return sum(values)\n"
    ran = await run("refactor", "extract", "pyproject.toml", "1-1", "add")
    assert (ran.code, "is no Python file" in ran.err) == (2, True)


async def test_a_function_that_other_files_call_is_not_inlined(run) -> None:
    put("prices.py", "def total(values):\n    return sum(values)\n\n\nprint(total([1]))\n")
    ran = await run("refactor", "inline", "prices.py", "total", "--yes")
    assert ran.code == 1
    assert "use.py" in ran.err
    assert "def total" in read("prices.py")
