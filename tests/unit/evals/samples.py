"""Samples, settings and questions made up for tests."""

from collections.abc import Sequence

from hansa.evals.question import Answer, Question, Sampling, Score
from hansa.evals.store import RunSettings, Sample


def settings(**given: object) -> RunSettings:
    fields: dict[str, object] = {
        "benchmark": "b",
        "model": "m",
        "endpoint": "node",
        "sampling": Sampling(),
        "samples": 1,
        "options": {},
        "questions": 3,
        "questions_sha256": "",
        "hansa": "0",
    }
    return RunSettings(**(fields | given))  # type: ignore[arg-type]  as named above


def question(name: str, **given: object) -> Question:
    fields: dict[str, object] = {
        "task_id": name,
        "group": name,
        "kind": "complete",
        "prompt": name,
        "max_tokens": 8,
    }
    return Question(**(fields | given))  # type: ignore[arg-type]  as named above


def sample(name: str, number: int = 0, group: str = "", **score: object) -> Sample:
    return Sample(
        task_id=name,
        group=group or name,
        number=number,
        answer=Answer(text="x", ttft_ms=10.0, total_ms=20.0),
        score=Score(text="x", **score),  # type: ignore[arg-type]  as Score has them
    )


class Fixed:
    """A benchmark whose answers are right where they say so."""

    name = "fixed"

    def __init__(self, names: Sequence[str]) -> None:
        self.questions = [question(name) for name in names]

    async def score(self, question: Question, answer: Answer) -> Score:
        return Score(text=answer.text, exact=answer.text == "right")
