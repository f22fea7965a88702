"""What a model is asked, what it answers, what that is worth: shapes that all benchmarks share."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from hansa.wire.requests import Snippet

ROUND_CHARS, ROUND_SIZE_MAX = 256, 32
"""An answer whose last so many characters repeat a part of so many at most has gone astray."""


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How tokens are drawn; greedy unless said otherwise."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    """Of a question's first sample; each further one counts on from it."""
    best_of: int = 1
    """Ways to fill a hole that are tried for one answer; greedy only."""


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    task_id: str
    group: str
    """Questions of one group are not independent; intervals count groups."""
    kind: Literal["chat", "complete"]
    prompt: str
    """The text to continue, or what a user says."""
    suffix: str = ""
    begins: str = ""
    """What was cut off the prompt, with which the answer has to begin; a node sees to it."""
    snippets: tuple[Snippet, ...] = ()
    """Pieces of other files, shown before the text to continue."""
    max_tokens: int
    stop: tuple[str, ...] = ()
    newlines_max: int = -1
    """An answer with more newlines is cut short, as the rest does not count; -1: never."""
    one_block: bool = False
    """An answer is cut short where its first block of code ends, or it only repeats itself."""


def is_enough(question: Question, text: str) -> bool:
    """Whether what would still come does not count."""
    if question.one_block:
        _, _, block = text.partition("```")
        if "\n```" in block or _goes_round(text):
            return True
    return 0 <= question.newlines_max < text.count("\n")


def _goes_round(text: str) -> bool:
    """Whether it has come to repeat a few characters over and over, which no program does."""
    end = text[-ROUND_CHARS:]
    if len(end) < ROUND_CHARS:
        return False
    return any(end[size:] == end[:-size] for size in range(1, ROUND_SIZE_MAX + 1))


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    text: str
    finish: str = ""
    """As the endpoint said; `enough` where we stopped reading."""
    ttft_ms: float
    """Until the first text."""
    total_ms: float
    prompt_tokens: int = 0
    """0 where it was cut short or the endpoint does not say."""
    completion_tokens: int = 0
    route: str = ""
    """`member/replica`, of a league's node."""


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is not measured is None."""

    text: str
    """The part of the answer that counts."""
    passed: bool | None = None
    """Its program passes the tests."""
    exact: bool | None = None
    similarity: float | None = None
    """0 to 1."""
    said: str = ""
    """Why it did not pass."""


class Benchmark(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def questions(self) -> Sequence[Question]: ...

    async def score(self, question: Question, answer: Answer) -> Score: ...
