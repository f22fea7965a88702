"""An edit in words: what is asked, what is made of the answer, and what is refused."""

from pathlib import Path

import pytest

from hansa.core.clock import Clock
from hansa.core.errors import EngineError, UserError
from hansa.editor.document import Source, read_source
from hansa.editor.edit import Edit, edit, edit_without_model
from hansa.editor.mock import MockAnswers

SHOP = """\
class Basket:
    def total(self):
        result = 0
        for price in self.prices:
            result += price
        return result


def mean(values):
    return sum(values) / len(values)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Source:
    return written(tmp_path, SHOP)


def written(folder: Path, text: str) -> Source:
    path = folder / "shop.py"
    path.write_bytes(text.encode())
    return read_source(path)


async def edited(source: Source, instruction: str, answers: MockAnswers, clock: Clock) -> Edit:
    return await edit(source, "shop.py", instruction, answers, clock)


async def test_a_docstring_leaves_the_code_as_it_is(shop: Source, clock: Clock) -> None:
    answers = MockAnswers('Adds up the prices."""\n        nonsense(')
    made = await edited(shop, "add a docstring to total", answers, clock)
    assert made.new_text == SHOP.replace(
        "total(self):\n", 'total(self):\n        """Adds up the prices."""\n'
    )
    last = answers.asked[0].messages[-1]
    assert last.role == "assistant"
    assert last.content == '```python\ndef total(self):\n    """'
    assert answers.asked[0].sampling.stop[0] == '"""'


async def test_a_docstring_of_several_lines(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\nThe mean.\n\n  Of \\values.\n")
    made = await edited(shop, "write a doc string for mean", answers, clock)
    assert (
        'def mean(values):\n    """The mean.\n\n    Of values.\n    """\n    return'
        in made.new_text
    )


async def test_code_is_written_again_and_indented_back(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\n    return sum(self.prices)\n```\nDone!")
    made = await edited(shop, "make total shorter", answers, clock)
    assert "    def total(self):\n        return sum(self.prices)\n\n\ndef mean" in made.new_text
    assert made.diff.startswith("--- a/shop.py\n+++ b/shop.py\n")
    assert "+        return sum(self.prices)\n" in made.diff
    assert answers.asked[0].messages[-1].content == "```python\ndef total(self):"


async def test_secrets_stay_here_and_in_the_file(tmp_path: Path, clock: Clock) -> None:
    secret = "ghp_" + "a1B2" * 9
    source = written(
        tmp_path, f'def connect(host):\n    token = "{secret}"\n    return host, token\n'
    )
    answers = MockAnswers('\n    token = "REDACTED_1"\n    return (host, token)\n```')
    made = await edited(source, f"return a tuple from connect, not {secret}", answers, clock)
    assert f'    token = "{secret}"\n    return (host, token)\n' in made.new_text
    said = "".join(each.content for each in answers.asked[0].messages)
    assert secret not in said
    assert 'token = "REDACTED_1"' in said


async def test_a_signature_may_change_if_that_is_asked(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\ndef mean(values: list[float]) -> float:\n    return 0.0\n")
    made = await edited(shop, "add type hints to mean", answers, clock)
    assert "def mean(values: list[float]) -> float:" in made.new_text
    assert answers.asked[0].messages[-1].content == "```python"


async def test_line_endings_stay(tmp_path: Path, clock: Clock) -> None:
    source = written(tmp_path, SHOP.replace("\n", "\r\n"))
    made = await edited(source, "make total shorter", MockAnswers("\n    return 1\n"), clock)
    assert made.new_text.count("\n") == made.new_text.count("\r\n")
    assert "return 1\r\n" in made.new_text


async def test_code_that_does_not_parse_is_tried_once_more(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\n    return ((\n", "\n    return 1\n")
    made = await edited(shop, "make total shorter", answers, clock)
    assert "return 1" in made.new_text
    first, second = (asked.sampling for asked in answers.asked)
    assert (first.temperature, second.temperature, second.seed) == (0.0, 0.3, 1)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("\n    return ((\n", "does not parse"),
        ("", "changed nothing"),
        ("\n```\nThis is better.", "changed nothing"),
        ("\n    # Nothing.", "does not parse"),
    ],
)
async def test_no_good_twice(answer: str, says: str, shop: Source, clock: Clock) -> None:
    with pytest.raises(EngineError, match=f"(?:{says}).*; nothing was changed"):
        await edited(shop, "make total shorter", MockAnswers(answer), clock)
    assert read_source(shop.path) == shop


async def test_what_is_to_add_does_not_only_take_away(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\n    result = 0\n    return result\n")
    with pytest.raises(EngineError, match="takes lines away and adds none; nothing was changed"):
        await edited(shop, "Add a comment to total", answers, clock)
    assert "for price" not in (await edited(shop, "make total shorter", answers, clock)).new_text


async def test_what_goes_missing_is_named(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\nclass Basket:\n    pass\n")
    with pytest.raises(EngineError, match=r"the model's edit loses .*total"):
        await edited(shop, "add type hints to class Basket", answers, clock)
    made = await edited(shop, "remove the parameters of class Basket", answers, clock)
    assert "def total" not in made.new_text


async def test_an_answer_cut_off_is_no_edit(shop: Source, clock: Clock) -> None:
    answers = MockAnswers("\n    return 1", finish="length")
    with pytest.raises(EngineError, match="did not come to an end"):
        await edited(shop, "make total shorter", answers, clock)


async def test_a_file_that_did_not_parse_need_not_parse_after(tmp_path: Path, clock: Clock) -> None:
    source = written(tmp_path, "x = (\n")
    made = await edited(source, "finish it", MockAnswers("\ny = (\n"), clock)
    assert made.new_text == "y = (\n"


@pytest.mark.parametrize("instruction", ["", "  ", "x" * 1001])
async def test_no_instruction(instruction: str, shop: Source, clock: Clock) -> None:
    with pytest.raises(UserError, match="the instruction has"):
        await edited(shop, instruction, MockAnswers(), clock)


def test_a_rename_needs_no_model(shop: Source) -> None:
    made = edit_without_model(shop, "shop.py", "rename result to total_price")
    assert made is not None
    assert made.reply is None
    assert made.new_text == SHOP.replace("result", "total_price")
    assert edit_without_model(shop, "shop.py", "add a docstring") is None


def test_a_rename_in_some_lines(shop: Source) -> None:
    made = edit_without_model(shop, "shop.py", "rename values to numbers", (9, 9))
    assert made is not None
    assert "def mean(numbers):\n    return sum(values)" in made.new_text


def test_a_rename_to_a_keyword(shop: Source) -> None:
    with pytest.raises(UserError, match=r"class is a name there already"):
        edit_without_model(shop, "shop.py", "rename result to class")
    with pytest.raises(UserError, match="while cannot be a name there"):
        edit_without_model(shop, "shop.py", "rename result to while")
