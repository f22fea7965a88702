"""The infilling benchmarks: what belongs into a hole, between a prefix and a suffix.

The rule: an answer counts up to the number of lines of what is missing (for spans: all of it). It
is exact if it is the same but for white space at the ends of lines; indentation counts. A
span is exact if it is the same.
"""

from collections.abc import Sequence

from hansa.context import healing
from hansa.evals.humaneval import Judge
from hansa.evals.infilling import SETS, Hole
from hansa.evals.problems import Problem
from hansa.evals.question import Answer, Question, Score
from hansa.evals.scoring import edit_similarity, exact_match

SPARE_TOKENS = 16
CHARS_PER_TOKEN_LEAST = 2


class Infill:
    """A benchmark over one of the three sets."""

    def __init__(
        self,
        problems: Sequence[Problem],
        which: str,
        *,
        prefix_only: bool = False,
        execute: bool = False,
        unsafe: bool = False,
    ) -> None:
        """`prefix_only`: for a model that only continues text. `execute`: run the tests too."""
        self.name = f"infill-{which}"
        self._spans = which == "random-span"
        self._prefix_only = prefix_only
        self._problems = {each.task_id: each for each in problems}
        self._holes = {each.task_id: each for each in SETS[which](problems)}
        self._judge = Judge(unsafe=unsafe) if execute else None
        self.questions = tuple(self._question(each) for each in self._holes.values())

    async def score(self, question: Question, answer: Answer) -> Score:
        hole = self._holes[question.task_id]
        text = self._counted(hole, answer.text)
        passed, said = None, ""
        if self._judge:
            problem = self._problems[hole.problem]
            verdict = await self._judge.run(problem, hole.prefix + text + hole.suffix)
            passed = verdict.outcome == "passed"
            said = "" if passed else verdict.said.strip()[-300:] or verdict.outcome
        return Score(
            text=text,
            exact=text == hole.middle if self._spans else exact_match(text, hole.middle),
            similarity=round(edit_similarity(text, hole.middle), 4),
            passed=passed,
            said=said,
        )

    def _question(self, hole: Hole) -> Question:
        """The prompt is cut before its last newline, where tokens end, as Hansa's editors do."""
        prompt, typed = healing.cut(hole.prefix)
        lines = hole.middle.count("\n") + typed.count("\n")
        return Question(
            task_id=hole.task_id,
            group=hole.problem,
            kind="complete",
            prompt=prompt,
            suffix="" if self._prefix_only else hole.suffix,
            begins="" if self._prefix_only else typed,
            max_tokens=len(hole.middle) // CHARS_PER_TOKEN_LEAST + SPARE_TOKENS,
            newlines_max=-1 if self._spans else lines,
        )

    def _counted(self, hole: Hole, generated: str) -> str:
        healed = healing.heal(generated, healing.cut(hole.prefix)[1]) or ""
        if self._spans:
            return healed
        return "\n".join(healed.split("\n")[: hole.middle.count("\n") + 1])
