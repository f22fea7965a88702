"""Asks a model every question of a benchmark, a few at once, and scores each answer as it comes."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from hansa.evals.question import Answer, Benchmark, Question, Sampling
from hansa.evals.store import Sample, Store

Progress = Callable[[int, int], None]
"""Samples here, samples wanted."""


class Asks(Protocol):
    async def ask(self, question: Question, sampling: Sampling, number: int = 0) -> Answer: ...


async def run(
    benchmark: Benchmark, model: Asks, store: Store, *, at_once: int, progress: Progress
) -> list[Sample]:
    """All samples, those of an earlier start included, in the order of the questions.

    The first error ends the run; what is scored by then is kept, and the next run goes on from it.

    Raises:
        HansaError: whatever asking or scoring raised.
    """
    wanted = [
        (question, number)
        for question in benchmark.questions
        for number in range(store.settings.samples)
    ]
    waiting = iter([each for each in wanted if (each[0].task_id, each[1]) not in store.samples])
    progress(len(store.samples), len(wanted))

    async def work() -> None:
        for question, number in waiting:
            answer = await model.ask(question, store.settings.sampling, number)
            score = await benchmark.score(question, answer)
            store.add(
                Sample(
                    task_id=question.task_id,
                    group=question.group,
                    number=number,
                    answer=answer,
                    score=score,
                )
            )
            progress(len(store.samples), len(wanted))

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(at_once):
                workers.create_task(work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [store.samples[question.task_id, number] for question, number in wanted]
