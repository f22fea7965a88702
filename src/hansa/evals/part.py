"""A part of a benchmark's questions, and the digest that tells two sets of questions apart."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from hansa.evals.question import Answer, Benchmark, Question, Score


class Part:
    """Some of a benchmark's questions; scored as they are there."""

    def __init__(self, whole: Benchmark, questions: Sequence[Question]) -> None:
        self.name = whole.name
        self.questions = questions
        self._whole = whole

    async def score(self, question: Question, answer: Answer) -> Score:
        return await self._whole.score(question, answer)


def part(benchmark: Benchmark, limit: int | None) -> Benchmark:
    """At most `limit` questions, evenly chosen over all; None: all of them."""
    questions = benchmark.questions
    if limit is None or limit >= len(questions):
        return benchmark
    chosen = [questions[at * len(questions) // limit] for at in range(limit)]
    return Part(benchmark, chosen)


def digest_of(questions: Sequence[Question]) -> str:
    return sha256(msgspec.json.encode(list(questions))).hexdigest()
