"""`hansa search`: what it prints of files that others wrote."""

import json
from pathlib import Path

import pytest

from hansa.wire.requests import Snippet


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


async def test_a_hit_is_place_symbol_and_a_few_lines(run):
    write("shapes.py", "def area(r):\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n    return r\n")
    ran = await run("search", "where is the area computed?")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "shapes.py:1-6  function area",
        "    def area(r):",
        "        a = 1",
        "        b = 2",
        "        c = 3",
    ]


async def test_nothing_found_is_exit_code_1(run):
    write("a.py", "x = 1\n")
    ran = await run("search", "zebra")
    assert (ran.code, ran.out) == (1, "")
    assert f"nothing in {Path.cwd()} matches 'zebra'" in ran.err
    empty = await run("search", "zebra", "--json")
    assert (empty.code, json.loads(empty.out)) == (1, [])


async def test_json_has_whole_snippets(run):
    write("a.py", "def zebra():\n    pass\n")
    [hit] = json.loads((await run("search", "zebra", "--json")).out)
    assert hit["snippet"].keys() == set(Snippet.__struct_fields__)
    assert (hit["symbol"], hit["kind"]) == ("zebra", "function")


async def test_limit_and_path(run, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    for n in range(5):
        (other / f"f{n}.py").write_text(f"def zebra{n}():\n    zebra = {n}\n")
    ran = await run("search", "zebra", "--path", str(other), "--limit", "2", "--json")
    assert len(json.loads(ran.out)) == 2
    assert (await run("search", "zebra", "--limit", "101")).code == 2


async def test_a_file_cannot_steer_the_terminal(run):
    write("a.py", "def zebra():\n    x = '\x1b]0;owned\x07\x9b2J'\n")
    ran = await run("search", "zebra")
    assert ran.code == 0
    assert not {"\x1b", "\x07", "\x9b"} & set(ran.out)


@pytest.mark.parametrize("query", ['"', "(a OR", "a* NEAR/3 b", "'; DROP TABLE file", "\udcff", ""])
async def test_any_text_is_a_query(run, query: str):
    write("a.py", "x = 1\n")
    assert (await run("search", query)).code in {0, 1}


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_a_password_is_found_by_its_name_and_not_printed(run, form: tuple[str, ...]):
    value = "kT3vQ9zLp0Xw8Yb2"
    write("settings.py", f'DB_PASSWORD = "{value}"\nAPI_KEY = "{value}"\nTIMEOUT_S = 30\n')
    ran = await run("search", "DB_PASSWORD", *form)
    assert ran.code == 0
    assert value not in ran.out
    assert ran.out.count("REDACTED") == 2
    assert "TIMEOUT_S = 30" in ran.out
