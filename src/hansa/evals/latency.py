"""How long answers take: completions of an editor's kind, asked one after the other.

Each is a hole in one of HumanEval's solutions, a few tokens long, so that a run tells what a
developer would wait for. What the model says is not judged.
"""

import random
from collections.abc import Sequence

from hansa.context import healing
from hansa.evals.infilling import single_line
from hansa.evals.problems import Problem
from hansa.evals.question import Answer, Question, Score

COUNT = 100
MAX_TOKENS = 24
SEED = 7


class Latency:
    name = "latency"

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        prefix_only: bool = False,
        count: int = COUNT,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        holes = list(single_line(problems))
        random.Random(SEED).shuffle(holes)  # noqa: S311 - a sample, no secret
        self.questions = tuple(
            Question(
                task_id=hole.task_id,
                group=hole.task_id,
                kind="complete",
                prompt=healing.cut(hole.prefix)[0] if prefix_only else hole.prefix,
                suffix="" if prefix_only else hole.suffix,
                max_tokens=max_tokens,
            )
            for hole in holes[:count]
        )

    async def score(self, question: Question, answer: Answer) -> Score:
        return Score(text=answer.text)
