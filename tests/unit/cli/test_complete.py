"""`hansa complete`, run as a person runs it."""

import json
from pathlib import Path

import pytest

CODE = "def mean(values):\n    \n"


@pytest.fixture
def code(run) -> Path:
    path = Path("a.py")
    path.write_text(CODE)
    return path


async def test_the_completion_goes_to_stdout_and_who_served_to_stderr(
    fixed_node, run, code
) -> None:
    fixed_node.texts = ["\n    return sum(values)\n\nx = 1"]
    ran = await run("complete", "a.py:2:5", "--no-index")
    assert (ran.code, ran.out) == (0, "return sum(values)\n")
    assert ran.err.startswith("served by acme/r1 in ")
    assert ran.err.endswith(" ms: the only one\n")


async def test_an_empty_file_has_nothing_to_go_on_from(fixed_node, run, code) -> None:
    code.write_text("")
    ran = await run("complete", "a.py:1:1", "--no-index")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: a.py is empty; there is nothing to go on from\n")


async def test_json(fixed_node, run, code) -> None:
    fixed_node.texts = ["\n    return 1"]
    ran = await run("complete", "a.py:2:5", "--no-index", "--json")
    told = json.loads(ran.out)
    assert (told["text"], told["route"], told["finish"]) == ("return 1", "acme/r1", "stop")
    assert told["usage"]["prompt_tokens"] == 9
    assert ran.err == ""


async def test_the_rules_go_along(fixed_node, run, code) -> None:
    await run(
        "complete", "a.py:2:5", "--no-index", "--eu-only", "--no-train", "--model", "m-1",
        "--licence", "Apache-2.0", "--budget-ms", "150", "--residency", "US",
    )  # fmt: skip
    asked = fixed_node.asked[0]
    assert (asked.model, asked.budget_ms) == ("m-1", 150)
    assert asked.policy.residency == ("us", "eu")
    assert asked.policy.licences == ("Apache-2.0",)
    assert asked.policy.no_train


async def test_line_endings_are_the_files(fixed_node, run, code) -> None:
    code.write_bytes(CODE.replace("\n", "\r\n").encode())
    fixed_node.texts = ["\n    x = 1\n    return x"]
    ran = await run("complete", "a.py:2:5", "--no-index", "--json")
    assert json.loads(ran.out)["text"] == "x = 1\r\n    return x"
    assert "\r" not in fixed_node.asked[0].prefix


async def test_a_refusal_names_its_rule(fixed_node, run, code) -> None:
    fixed_node.refusal = {
        "code": "policy_refusal",
        "message": "no replica in eu",
        "rule": "residency",
        "hint": "wait",
    }
    ran = await run("complete", "a.py:2:5", "--no-index")
    assert ran.code == 1
    assert ran.out == ""
    assert "no replica in eu [rule: residency]" in ran.err


async def test_nothing_that_fits(fixed_node, run, code) -> None:
    ran = await run("complete", "a.py:2:5", "--no-index")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing that fits" in ran.err


@pytest.mark.parametrize(
    ("position", "content", "says"),
    [
        ("a.py:400:1", b"x = 1\n" * 120, "a.py has 120 lines; line 400 is outside"),
        ("a.py:1:9", b"x = 1\n", "column 9 is outside"),
        ("a.py:1:1", b"\xff\xfe", "a.py is not UTF-8: byte 0 is 0xff"),
        ("a.py:1:1", b"x" * 1024 * 1025, "a.py is larger than"),
        ("none.py:1:1", b"", "there is no file none.py"),
        ("a.py", b"", "'a.py' is no position"),
    ],
)
async def test_bad_input(fixed_node, run, code, position, content, says) -> None:
    code.write_bytes(content)
    ran = await run("complete", position)
    assert ran.code == 2
    assert says in ran.err
    assert fixed_node.asked == []


async def test_no_node(run, code, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("HANSA_NODE_URL", raising=False)
    ran = await run("complete", "a.py:2:5")
    assert ran.code == 2
    assert "no node is known here" in ran.err
    assert "hansa up" in ran.err


async def test_a_node_that_is_gone(fixed_node, run, code, monkeypatch) -> None:
    monkeypatch.setenv("HANSA_NODE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HANSA_API_KEY", "k")
    ran = await run("complete", "a.py:2:5", "--no-index")
    assert ran.code == 1
    assert "no node answers at http://127.0.0.1:1" in ran.err


@pytest.fixture
def lib(code: Path) -> Path:
    Path(".git").mkdir()
    path = Path("lib.py")
    path.write_text("def weigh_apples(basket):\n    return basket.weight\n")
    code.write_text("from lib import weigh_apples\n" + "weigh_apples(basket)\n" * 8 + "weigh")
    return path


async def test_the_codebase_is_shown(fixed_node, run, lib) -> None:
    ran = await run("complete", "a.py:10:6")
    assert ran.code == 0
    assert [each.path for each in fixed_node.asked[0].snippets] == ["lib.py"]


async def test_an_index_that_fails_costs_only_the_codebase(
    fixed_node, run, code, monkeypatch
) -> None:
    from hansa.core.errors import StorageError

    def refuse(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("hansa.editor.codebase.open_codebase", refuse)
    fixed_node.texts = ["\n    return 1"]
    ran = await run("complete", "a.py:2:5")
    assert (ran.code, ran.out) == (0, "return 1\n")
    assert "without the codebase: no space left" in ran.err
