"""Asking all questions, a few at once."""

import asyncio
from pathlib import Path

import pytest

from hansa.core.errors import EngineError
from hansa.evals import running
from hansa.evals.question import Answer, Question, Sampling
from hansa.evals.store import Store

from .samples import Fixed, settings


class Model:
    """Answers rightly until it fails; counts who waits at the same time."""

    def __init__(self, fails_at: int = -1) -> None:
        self.asked: list[tuple[str, int]] = []
        self.fails_at = fails_at
        self.under_way = self.most = 0

    async def ask(self, question: Question, sampling: Sampling, number: int = 0) -> Answer:
        if len(self.asked) == self.fails_at:
            raise EngineError("gone")
        self.asked.append((question.task_id, number))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return Answer(text="right", ttft_ms=1.0, total_ms=1.0)


NAMES = [f"q{n}" for n in range(10)]


async def test_every_question_is_asked_as_often_as_wanted_and_few_at_once(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    model = Model()
    with Store(tmp_path, settings(samples=3)) as store:
        samples = await running.run(
            Fixed(NAMES), model, store, at_once=4, progress=lambda *at: seen.append(at)
        )
    assert [(each.task_id, each.number) for each in samples] == [
        (name, number) for name in NAMES for number in range(3)
    ]
    assert all(each.score.exact for each in samples)
    assert model.most == 4
    assert seen[0] == (0, 30)
    assert seen[-1] == (30, 30)


async def test_a_failure_ends_the_run_and_the_next_goes_on_from_there(tmp_path: Path):
    broken, sound = Model(fails_at=6), Model()
    with Store(tmp_path, settings()) as store, pytest.raises(EngineError, match="gone"):
        await running.run(Fixed(NAMES), broken, store, at_once=2, progress=lambda *_: None)
    with Store(tmp_path, settings()) as store:
        kept = len(store.samples)
        samples = await running.run(Fixed(NAMES), sound, store, at_once=2, progress=lambda *_: None)
    assert 4 <= kept <= 6
    assert len(sound.asked) == len(NAMES) - kept
    assert [each.task_id for each in samples] == NAMES
