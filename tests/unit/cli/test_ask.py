"""`hansa ask`: the answer, then the files and lines it comes from."""

import json
from pathlib import Path

import pytest

CODE = 'class Table:\n    def draw_table(self):\n        """Draw the table."""\n'


@pytest.fixture
def codebase(run, fixed_node) -> Path:
    fixed_node.texts = ["In table.py."]
    Path(".git").mkdir()
    Path("table.py").write_text(CODE)
    return Path.cwd()


async def test_an_answer_with_its_places(codebase, run, fixed_node) -> None:
    ran = await run("ask", "where is the table drawn?")
    assert ran.code == 0
    assert ran.out.startswith("In table.py.\n\nfrom:\n[1] table.py:1-")
    assert "served by acme/r1" in ran.err
    assert "class Table:" in fixed_node.asked[0].messages[1].content


async def test_json(codebase, run) -> None:
    ran = await run("ask", "where is the table drawn?", "--json", "--path", "table.py")
    told = json.loads(ran.out)
    assert told["text"] == "In table.py."
    assert told["used"][0].startswith("table.py:1-")
    assert told["route"] == "acme/r1"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("",), "the question has 0"),
        (("q", "--path", "none"), "there is no none"),
        (("zzzyyyxxx",), "nothing in the codebase has to do with this question"),
    ],
)
async def test_wrong_use(args, says, codebase, run, fixed_node) -> None:
    ran = await run("ask", *args)
    assert ran.code == 2
    assert says in ran.err
    assert fixed_node.asked == []
