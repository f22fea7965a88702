"""HumanEval: write a function from its signature and docstring; its tests decide.

Source: "Evaluating Large Language Models Trained on Code" (2021).
"""

import asyncio
import os
import re
from collections.abc import Sequence
from typing import Literal

from hansa.context import healing
from hansa.evals import sandbox
from hansa.evals.problems import Problem
from hansa.evals.question import Answer, Question, Score

Mode = Literal["chat", "complete"]

MAX_TOKENS = 512
CHAT_PROMPT = """\
Complete the following Python function. Answer with the whole function in one code block.

```python
{prompt}```
"""
STOPS = (
    "\nclass ",
    "\ndef ",
    "\nif ",
    "\nprint(",
    "\n#",
    "\n@",
    "\nimport ",
    "\nfrom ",
    "\nassert ",
)
"""Where a function's body is over; a chat ends by itself."""

_BLOCK = re.compile(r"```[a-zA-Z0-9]*\n(.*?)(?:```|\Z)", re.DOTALL)


class HumanEval:
    """A benchmark; at most as many programs run at once as there are processors."""

    name = "humaneval"

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        mode: Mode = "chat",
        max_tokens: int = MAX_TOKENS,
        unsafe: bool = False,
    ) -> None:
        self._problems = {each.task_id: each for each in problems}
        self._mode: Mode = mode
        self._judge = Judge(unsafe=unsafe)
        self.questions = tuple(_question(each, mode, max_tokens) for each in problems)

    async def score(self, question: Question, answer: Answer) -> Score:
        problem = self._problems[question.task_id]
        if self._mode == "chat":
            program = chat_program(problem, answer.text)
        else:
            program = problem.prompt + _body(problem, answer.text)
        verdict = await self._judge.run(problem, program)
        passed = verdict.outcome == "passed"
        return Score(text=program, passed=passed, said="" if passed else _last_line(verdict))


class Judge:
    """Runs programs against a problem's tests."""

    def __init__(self, *, unsafe: bool = False, timeout_s: float = sandbox.TIMEOUT_S) -> None:
        self._unsafe = unsafe
        self._timeout_s = timeout_s
        self._room = asyncio.Semaphore(os.cpu_count() or 1)

    async def run(self, problem: Problem, program: str) -> sandbox.Verdict:
        """The tests see the prompt's own helpers, never the candidate's."""
        check = f"{problem.prompt}\n{problem.test}"
        async with self._room:
            return await sandbox.run(
                program,
                check,
                problem.entry_point,
                timeout_s=self._timeout_s,
                unsafe=self._unsafe,
            )


def code_of(said: str) -> str:
    """The first code block of an answer, or all of it if it has none."""
    block = _BLOCK.search(said)
    return block.group(1) if block else said


def chat_program(problem: Problem, said: str) -> str:
    """The program of an answer: its first code block, or all of it if it has none.

    The prompt comes first, so that its imports and helpers are there; a block that does not define
    the function is taken for the function's body.
    """
    code = code_of(said)
    if re.search(rf"^\s*(?:async )?def {re.escape(problem.entry_point)}\b", code, re.MULTILINE):
        return f"{problem.prompt}\n{code}"
    if code.strip() and not code.startswith((" ", "\t", "\n")):
        code = "".join(f"    {line}\n" for line in code.splitlines())
    return problem.prompt + code


def _question(problem: Problem, mode: Mode, max_tokens: int) -> Question:
    if mode == "chat":
        return Question(
            task_id=problem.task_id,
            group=problem.task_id,
            kind="chat",
            prompt=CHAT_PROMPT.format(prompt=problem.prompt),
            max_tokens=max_tokens,
            one_block=True,
        )
    return Question(
        task_id=problem.task_id,
        group=problem.task_id,
        kind="complete",
        prompt=healing.cut(problem.prompt)[0],
        max_tokens=max_tokens,
        stop=STOPS,
    )


def _body(problem: Problem, generated: str) -> str:
    """The prompt was cut before its last newline, which the model writes again."""
    healed = healing.heal(generated, healing.cut(problem.prompt)[1])
    return generated if healed is None else healed


def _last_line(verdict: sandbox.Verdict) -> str:
    lines = verdict.said.strip().splitlines()
    return lines[-1][:300] if lines else verdict.outcome
