"""Questions: what is shown of the codebase, within bounds, and what is told of it."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.clock import Clock
from hansa.core.errors import UserError
from hansa.editor.ask import PROMPT_CHARS_MAX, SNIPPETS_MAX, SYSTEM, ask, choose
from hansa.editor.mock import MockAnswers
from hansa.wire.requests import Snippet


@dataclass(frozen=True)
class Hit:
    snippet: Snippet


def searching(*snippets: Snippet):
    return lambda query, limit: [Hit(each) for each in snippets][:limit]


TABLE = Snippet("rich/table.py", 10, 12, "class Table:\n    def draw(self):\n        ...\n")
TREE = Snippet("rich/tree.py", 1, 1, "class Tree: ...")


async def test_an_answer_names_what_it_comes_from(clock: Clock) -> None:
    answers = MockAnswers(" In rich/table.py.\n")
    pieces: list[str] = []
    done = await ask(
        "Where is the table drawn?", searching(TABLE, TREE), answers, clock, show=pieces.append
    )
    assert done.text == "In rich/table.py."
    assert "".join(pieces) == " In rich/table.py.\n"
    assert [each.path for each in done.used] == ["rich/table.py", "rich/tree.py"]
    system, user = answers.asked[0].messages
    assert system.content == SYSTEM
    assert user.content.startswith("[1] rich/table.py, lines 10 to 12:\nclass Table:\n")
    assert "[2] rich/tree.py, lines 1 to 1:\nclass Tree: ..." in user.content
    assert user.content.endswith("Question: Where is the table drawn?")


async def test_a_model_that_goes_in_circles_is_stopped(clock: Clock) -> None:
    answers = MockAnswers("The table is drawn there.\n\n" * 20)
    done = await ask("Where?", searching(TABLE), answers, clock)
    assert done.text.count("drawn there") == 2
    assert len(answers.sent) < 80


@given(st.lists(st.text("ab\n", max_size=1500), max_size=8), st.text("q ", max_size=600))
def test_the_prompt_keeps_its_bound(texts: list[str], question: str) -> None:
    used = choose(question, searching(*(Snippet("a.py", 1, 9, text) for text in texts)))
    shown = sum(len(f"[9] a.py, lines 1 to {each.end_line}:\n{each.text}\n\n") for each in used)
    assert len(SYSTEM) + len(question) + shown <= PROMPT_CHARS_MAX + 3 * SNIPPETS_MAX
    assert len(used) <= SNIPPETS_MAX
    for each in used:
        assert each.end_line - each.start_line == each.text.count("\n")


@pytest.mark.parametrize(
    ("question", "says"),
    [(" ", "the question has 0"), ("q" * 601, "1 to 600"), ("q", "nothing in")],
)
async def test_questions_that_cannot_be_answered(question: str, says: str, clock: Clock) -> None:
    answers = MockAnswers("x")
    with pytest.raises(UserError, match=says):
        await ask(question, searching(), answers, clock)
    assert answers.asked == []
