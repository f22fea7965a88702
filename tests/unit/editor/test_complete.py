"""One completion, from the cursor to the text to insert."""

from dataclasses import dataclass

import pytest

from hansa.context.candidates import Codebase, Document
from hansa.core.clock import Clock
from hansa.core.errors import EngineUnavailable
from hansa.editor.complete import Completion, complete
from hansa.editor.mock import MockAnswers
from hansa.editor.preferences import Preferences
from hansa.wire.requests import Policy, Snippet

BODY = "def mean(values):\n    "


@dataclass(frozen=True)
class Hit:
    snippet: Snippet


async def at_end(text: str, answers: MockAnswers, clock: Clock) -> Completion:
    return await complete(Document("a.py", text), len(text), answers, clock)


async def test_what_was_typed_is_taken_back(clock: Clock) -> None:
    answers = MockAnswers("\n    return sum(values) / len(values)\n")
    done = await at_end(BODY, answers, clock)
    assert done.text == "return sum(values) / len(values)"
    assert answers.asked[0].prefix == "def mean(values):"
    assert answers.asked[0].task == "complete"


async def test_an_answer_that_contradicts_what_was_typed_is_dropped(clock: Clock) -> None:
    answers = MockAnswers(": pass\n" + "x = 1\n" * 20)
    done = await at_end(BODY, answers, clock)
    assert done.text == ""
    assert len(answers.sent) < 10


async def test_reading_stops_when_the_block_has_ended(clock: Clock) -> None:
    answers = MockAnswers("\n    return 1\n\nprint(mean([]))\n" + "more()\n" * 50)
    done = await at_end(BODY, answers, clock)
    assert done.text == "return 1"
    assert len(answers.sent) < 30
    assert done.reply.finish is None


async def test_the_end_of_one_line(clock: Clock) -> None:
    document = Document("a.py", "total = add(1, )\nprint(total)\n")
    done = await complete(document, 15, MockAnswers(" 2)\nprint(total)\n"), clock)
    assert done.text == "2"


async def test_times_and_usage(clock: Clock) -> None:
    done = await at_end("x =", MockAnswers(" 1"), clock)
    assert done.text == " 1"
    assert (done.reply.ttft_ms, done.reply.latency_ms) == (pytest.approx(100), pytest.approx(200))
    assert done.reply.usage is not None
    assert done.reply.route == "mock/replica"


async def test_the_codebase_and_the_rules_go_along(clock: Clock) -> None:
    snippet = Snippet("lib.py", 1, 1, "def mean(values): ...")
    answers = MockAnswers("")
    policy = Policy(residency=("eu",), no_train=True)
    done = await complete(
        Document("a.py", "import lib\n" * 9),
        9 * 11,
        answers,
        clock,
        codebase=Codebase(lambda query, limit: [Hit(snippet)]),
        preferences=Preferences("some-model", policy, 150),
    )
    asked = answers.asked[0]
    assert (asked.model, asked.policy, asked.budget_ms) == ("some-model", policy, 150)
    assert asked.snippets == done.snippets == (snippet,)
    assert done.text == ""


async def test_an_error_is_passed_on(clock: Clock) -> None:
    with pytest.raises(EngineUnavailable):
        await at_end("x =", MockAnswers(error=EngineUnavailable("no node")), clock)
