"""Functions become tasks if they stand alone, and are kept if their own examples run."""

import asyncio
import shutil

import pytest

from hansa.models.catalog import card_of
from hansa.training.instruct import instruct_examples, tasks_of

MODULE = '''\
import math
import os


def area(radius):
    """Area of a circle.

    >>> area(0)
    0.0
    >>> round(area(2), 2)
    12.57
    """
    return math.pi * radius ** 2


def wrong(number):
    """Says what it does not do.

    >>> wrong(1)
    3
    """
    return number + 1


def told(number):
    """Has no examples."""
    return number


def elsewhere(value):
    """Needs what is not there.

    >>> elsewhere(1)
    1
    """
    return helper(value)
'''


def test_a_task_is_the_head_and_its_answer_the_body():
    tasks = {task.name: task for task in tasks_of(MODULE)}
    assert set(tasks) == {"area", "wrong", "elsewhere"}
    assert tasks["area"].head.startswith('import math\n\n\ndef area(radius):\n    """Area')
    assert tasks["area"].answer == "def area(radius):\n    return math.pi * radius ** 2\n"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_only_what_runs_is_kept():
    async def kept() -> list[str]:
        profile = card_of("smollm2-135m-instruct").profile
        return [each.answer async for each in instruct_examples([MODULE, MODULE], profile)]

    answers = asyncio.run(kept())
    assert len(answers) == 1
    assert answers[0].startswith("```python\ndef area(radius):\n")
    assert answers[0].endswith("```<|im_end|>")
