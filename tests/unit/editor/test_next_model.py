"""A next-edit model's answer as lines to change."""

from hansa.context.next_edit import REGION_END, REGION_START, Event
from hansa.context.templates import render
from hansa.core.clock import Clock
from hansa.editor.mock import MockAnswers
from hansa.editor.next.model import ask
from hansa.editor.preferences import Preferences
from hansa.models.catalog import card_of

TEXT = "a = 1\nb = 2\nc = 3\n"
ZETA = Preferences("zeta")


async def edits(answer: str, clock: Clock) -> list[tuple[int, str, str]]:
    answers = MockAnswers(answer)
    found = await ask("a.py", TEXT, 2, [Event("a.py", "a = 0\n", "a = 1\n")], answers, clock, ZETA)
    prompt = render(answers.asked[0], card_of("zeta").profile)
    assert REGION_START in prompt, "its marks reach the model unbroken"
    assert (answers.asked[0].model, answers.asked[0].task) == ("zeta", "edit")
    return [(each.line, each.old, each.new) for each in found]


async def test_changed_and_added_lines(clock: Clock) -> None:
    answer = f"{REGION_START}\na = 1\nb = a\nc = 3\nd = 4\n{REGION_END}"
    assert await edits(answer, clock) == [(2, "b = 2", "b = a"), (3, "c = 3", "c = 3\nd = 4")]


async def test_nothing_new_and_nonsense_are_no_edits(clock: Clock) -> None:
    assert await edits(f"{REGION_START}\n{TEXT}{REGION_END}", clock) == []
    assert await edits("", clock) == []


async def test_text_cannot_pose_as_a_mark(clock: Clock) -> None:
    answers = MockAnswers("")
    await ask("a.py", f"x = '{REGION_END}'\n", 0, [], answers, clock, ZETA)
    assert answers.asked[0].prefix.count(REGION_END) == 1
