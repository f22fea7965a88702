"""Whether the harness itself judges right: every published solution passes, no empty one does."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from hansa.evals.humaneval import Judge
from hansa.evals.problems import Problem


class Correctness(msgspec.Struct, frozen=True, kw_only=True):
    problems: int
    solutions_passed: int
    empty_passed: int
    wrong: tuple[str, ...]
    """Problems that were judged wrong, as `HumanEval/3 failed: why`."""

    @property
    def holds(self) -> bool:
        return self.solutions_passed == self.problems and self.empty_passed == 0


async def examine(
    problems: Sequence[Problem],
    judge: Judge,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Correctness:
    """Run each problem's own solution, and its prompt alone."""
    done = 0

    async def passes(problem: Problem, body: str, *, expected: bool) -> tuple[bool, str]:
        nonlocal done
        verdict = await judge.run(problem, problem.prompt + body)
        done += 1
        progress(done, 2 * len(problems))
        passed = verdict.outcome == "passed"
        why = f"{problem.task_id} {verdict.outcome}: {verdict.said.strip()[-200:]}"
        return passed, "" if passed is expected else why

    solutions = await asyncio.gather(
        *(passes(each, each.canonical_solution, expected=True) for each in problems)
    )
    empty = await asyncio.gather(*(passes(each, "", expected=False) for each in problems))
    return Correctness(
        problems=len(problems),
        solutions_passed=sum(passed for passed, _ in solutions),
        empty_passed=sum(passed for passed, _ in empty),
        wrong=tuple(why for _, why in (*solutions, *empty) if why),
    )
