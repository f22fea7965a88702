"""Sequence-level distillation: a teacher of the league answers, the student learns what it said.

The teacher is asked over the shared API as anybody is, so it may be any model of the league, its
use is metered, and the terms of its charter hold. Functions it writes are kept only if the examples
of their docstrings run; middles only if the teacher ended them by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from random import Random
from typing import Protocol, TypeVar

from hansa.context.healing import cut as cut_back
from hansa.context.healing import heal
from hansa.context.templates import Neutral, render
from hansa.evals import sandbox
from hansa.evals.humaneval import CHAT_PROMPT, code_of
from hansa.evals.question import Answer, Question, Sampling
from hansa.models.profile import Profile
from hansa.training.cuts import Cut, cuts_of
from hansa.training.examples import END, Example, profile_of
from hansa.training.instruct import END as TURN_END
from hansa.training.instruct import Task, tasks_of
from hansa.training.recipe import Fim
from hansa.wire.requests import Message, Request

FUNCTION_TOKENS_MAX = 400
CHARS_PER_TOKEN_LEAST = 2
SPARE_TOKENS = 16


Thing = TypeVar("Thing")


class Teacher(Protocol):
    async def ask(self, question: Question, sampling: Sampling, number: int = 0) -> Answer: ...


async def functions(
    texts: Iterable[str], teacher: Teacher, profile: Profile, *, count: int, at_once: int
) -> AsyncIterator[Example]:
    """Functions as the teacher writes them, for the student's chat.

    Raises:
        HansaError: what asking raised; ConfigError: code cannot be isolated here.
    """
    await sandbox.check_isolation()
    tasks = (task for text in texts for task in tasks_of(text))
    async for task, answer in _asked(tasks, _function_question, teacher, count, at_once):
        code = code_of(answer.text).strip("\n") + "\n"
        verdict = await sandbox.run(task.imports + code, task.check, task.name)
        if verdict.outcome == "passed":
            message = Message("user", CHAT_PROMPT.format(prompt=task.head))
            prompt = render(Request(id="", task="chat", messages=(message,)), profile)
            yield Example(prompt, f"```python\n{code}```{TURN_END}")


async def middles(
    texts: Iterable[str], teacher: Teacher, fim: Fim, *, seed: int, count: int, at_once: int
) -> AsyncIterator[Example]:
    """Middles as the teacher fills them in, for the student's own sentinels.

    Raises:
        HansaError: what asking raised.
    """
    profile = profile_of(fim.tokens)
    cuts = _cuts(texts, fim, seed)
    async for cut, answer in _asked(cuts, _middle_question, teacher, count, at_once):
        shown, typed = cut_back(cut.prefix)
        if answer.finish == "stop" and heal(answer.text, typed):
            request = Request(id="", task="complete", prefix=shown, suffix=cut.suffix)
            yield Example(render(request, profile), answer.text + END)


async def _asked(
    things: Iterator[Thing], question: Callable[[Thing], Question], teacher: Teacher, count: int,
    at_once: int,
) -> AsyncIterator[tuple[Thing, Answer]]:  # fmt: skip
    """What the teacher says to the first `count`, a few at a time, in their order."""
    left = islice(things, count)
    while batch := list(islice(left, at_once)):
        said = await asyncio.gather(*(teacher.ask(question(each), Sampling()) for each in batch))
        for each in zip(batch, said, strict=True):
            yield each


def _cuts(texts: Iterable[str], fim: Fim, seed: int) -> Iterator[Cut]:
    neutral = Neutral(profile_of(fim.tokens))
    for number, text in enumerate(texts):
        yield from cuts_of(neutral(text), fim, Random(f"{seed} {number}"))  # noqa: S311  the same again


def _function_question(task: Task) -> Question:
    return Question(
        task_id=task.name, group=task.name, kind="chat", one_block=True,
        prompt=CHAT_PROMPT.format(prompt=task.head), max_tokens=FUNCTION_TOKENS_MAX,
    )  # fmt: skip


def _middle_question(cut: Cut) -> Question:
    shown, typed = cut_back(cut.prefix)
    chars = len(typed) + len(cut.middle)
    return Question(
        task_id="middle", group="middle", kind="complete", prompt=shown, suffix=cut.suffix,
        max_tokens=chars // CHARS_PER_TOKEN_LEAST + SPARE_TOKENS,
    )  # fmt: skip
