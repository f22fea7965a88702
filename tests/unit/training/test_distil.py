"""A teacher's answers become examples only if they hold: examples run, middles end."""

import asyncio
import inspect
import shutil
import textwrap

import pytest

from hansa.evals.question import Answer, Question, Sampling
from hansa.models.catalog import card_of
from hansa.models.profile import FimTokens
from hansa.training.distil import functions, middles
from hansa.training.examples import END, Example
from hansa.training.recipe import Cuts, Fim

MODULE = '''\
def double(number):
    """Twice as much.

    >>> double(4)
    8
    """
    return number + number


def half(number):
    """Half as much.

    >>> half(4)
    2.0
    """
    return number / 2
'''


class Teacher:
    """Knows how to double, and gets halves wrong; ends every other middle."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question, sampling: Sampling, number: int = 0) -> Answer:
        self.asked.append(question)
        if question.kind == "complete":
            finish = "stop" if len(self.asked) % 2 else "length"
            return Answer(text="\n    pass", finish=finish, ttft_ms=1, total_ms=1)
        name = "double" if "def double" in question.prompt else "half"
        text = f"Here:\n```python\ndef {name}(number):\n    return 2 * number\n```"
        return Answer(text=text, finish="stop", ttft_ms=1, total_ms=1)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_functions_are_kept_if_their_examples_run():
    teacher = Teacher()

    async def kept() -> list[Example]:
        profile = card_of("smollm2-135m-instruct").profile
        found = functions([MODULE], teacher, profile, count=5, at_once=2)
        return [each async for each in found]

    [example] = asyncio.run(kept())
    assert example.answer == "```python\ndef double(number):\n    return 2 * number\n```<|im_end|>"
    assert len(teacher.asked) == 2


def test_middles_are_kept_if_the_teacher_ended_them():
    teacher = Teacher()
    fim = Fim(
        tokens=FimTokens("<issue_comment>", "<issue_start>", "", "spm"),
        other_middle="<issue_closed>", cuts=Cuts(characters=0, line=1),
    )  # fmt: skip

    async def kept() -> list[Example]:
        texts = [inspect.getsource(textwrap)]
        return [each async for each in middles(texts, teacher, fim, seed=1, count=9, at_once=3)]

    examples = asyncio.run(kept())
    assert len(teacher.asked) == 9
    assert 0 < len(examples) <= 5, "of nine it ended five"
    assert all(each.answer == "\n    pass" + END for each in examples)
    assert all(each.prompt.startswith("<issue_start>") for each in examples)
