"""Suggestions while somebody types: known ones first, one request at a time, none unsure."""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator

import pytest

from hansa.context.candidates import Document
from hansa.core.clock import Clock
from hansa.editor.debounce import LONGEST_S, SHORTEST_S, Debounce
from hansa.editor.inline import PAUSE_S, Inline, View
from hansa.editor.mock import MockAnswers
from hansa.wire.requests import Chunk, Request

LINE = "total = "
BLOCK = "def mean(values):\n    "


class Pauses:
    """Waits that last until somebody lets them end."""

    def __init__(self, *, open_at_once: bool = True) -> None:
        self.waited: list[float] = []
        self.gate = asyncio.Event()
        if open_at_once:
            self.gate.set()

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        await self.gate.wait()


class PieceByPiece(MockAnswers):
    """Gives a piece of four characters whenever it is told to."""

    def __init__(self, *texts: str, logprob: float | None = None) -> None:
        super().__init__(*texts, piece_chars=4, logprob=logprob)
        self._allowed = asyncio.Semaphore(0)
        self.ended = asyncio.Event()

    async def give(self, pieces: int) -> None:
        """Returns when whoever waits for them has had the time to take them."""
        for _ in range(pieces):
            self._allowed.release()
        for _ in range(10 * pieces):
            await asyncio.sleep(0)

    async def _chunks(self, text: str, request: Request) -> AsyncGenerator[Chunk]:
        try:
            async with contextlib.aclosing(super()._chunks(text, request)) as chunks:
                async for chunk in chunks:
                    await self._allowed.acquire()
                    yield chunk
        finally:
            self.ended.set()


def at_end(text: str) -> View:
    return View(Document("a.py", text), len(text))


def inline(answers: MockAnswers, clock: Clock, pauses: Pauses | None = None) -> Inline:
    return Inline(answers, clock, sleep=pauses or Pauses())


async def test_a_suggestion_that_is_typed_into_stays_and_costs_nothing(clock: Clock) -> None:
    answers, pauses = MockAnswers(" price * count\n"), Pauses()
    session = inline(answers, clock, pauses)
    first = await session.suggest(at_end(LINE))
    assert first is not None
    for size in range(1, len(first.text)):
        again = await session.suggest(at_end(LINE + first.text[:size]))
        assert again is not None
        assert (again.text, again.id, again.cached) == (first.text[size:], first.id, True)
    assert len(answers.asked) == len(pauses.waited) == 1
    assert session.counts.cached == len(first.text) - 1


@pytest.mark.parametrize("invoked", [False, True])
async def test_an_empty_file_asks_nobody(invoked: bool, clock: Clock) -> None:
    answers = MockAnswers("import os\n")
    assert await inline(answers, clock).suggest(at_end(""), invoked=invoked) is None
    assert answers.asked == []


async def test_other_text_asks_again(clock: Clock) -> None:
    answers = MockAnswers(" price * count\n", " x")
    session = inline(answers, clock)
    await session.suggest(at_end(LINE))
    other = await session.suggest(at_end("x = "))
    assert other is not None
    assert (other.text, other.cached, len(answers.asked)) == ("x", False, 2)


async def test_a_known_block_waits_for_a_pause_and_a_known_line_does_not(clock: Clock) -> None:
    pauses = Pauses()
    session = inline(MockAnswers("\n    s = sum(values)\n    return s\n"), clock, pauses)
    first = await session.suggest(at_end(BLOCK))
    assert first is not None
    assert first.multiline
    pauses.waited.clear()
    again = await session.suggest(at_end(BLOCK + "s"))
    assert again is not None
    assert again.text == first.text[1:]
    assert pauses.waited == [PAUSE_S]
    await session.suggest(at_end(BLOCK + "s"), invoked=True)
    assert len(pauses.waited) == 1


async def test_a_keystroke_gives_up_the_request_before_it(clock: Clock) -> None:
    pauses = Pauses(open_at_once=False)
    session = inline(MockAnswers(" 1"), clock, pauses)
    first = asyncio.create_task(session.suggest(at_end("x = ")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(session.suggest(at_end("xy = ")))
    await asyncio.sleep(0)
    pauses.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (found := await second) is not None
    assert found.text == "1"
    assert (session.counts.typed_over, session.counts.asked) == (1, 1)


async def test_what_a_model_is_unsure_of_is_shown_only_when_asked_for(clock: Clock) -> None:
    session = inline(MockAnswers(" guess\n", logprob=math.log(0.1)), clock)
    assert await session.suggest(at_end(LINE)) is None
    assert session.counts.unsure == 1
    asked_for = await session.suggest(at_end(LINE), invoked=True)
    assert asked_for is not None
    assert asked_for.confidence == pytest.approx(0.1)


async def test_a_larger_model_is_asked_when_a_small_one_is_unsure_and_somebody_wants_it(
    clock: Clock,
) -> None:
    answers = MockAnswers(" guess\n", " known\n", logprob=math.log(0.1))
    session = Inline(answers, clock, larger="large", sleep=Pauses())
    found = await session.suggest(at_end(LINE), invoked=True)
    assert found is not None
    assert found.text == "known"
    assert [each.model for each in answers.asked] == ["auto", "large"]


async def test_without_a_larger_model_several_lines_are_weighed_by_what_follows(
    clock: Clock,
) -> None:
    answers = MockAnswers(" guess\n", " known\n", logprob=math.log(0.1))
    session = inline(answers, clock)
    view = View(Document("a.py", f"{LINE}\ny = x\n"), len(LINE))
    found = await session.suggest(view, invoked=True)
    assert found is not None
    assert found.text == "known"
    first, second = (each.sampling for each in answers.asked)
    assert (first.best_of, first.logprobs) == (1, 0)
    assert (second.best_of, second.stop, second.logprobs) == (4, ("\n",), None)


async def test_where_nothing_follows_an_unsure_line_is_all_there_is(clock: Clock) -> None:
    answers = MockAnswers(" guess\n", logprob=math.log(0.1))
    found = await inline(answers, clock).suggest(at_end(LINE), invoked=True)
    assert found is not None
    assert len(answers.asked) == 1


async def test_an_engine_without_log_probabilities_is_not_asked_for_them_again(
    clock: Clock,
) -> None:
    answers = MockAnswers(" a\n", " b\n")
    session = inline(answers, clock)
    await session.suggest(at_end("x = "))
    await session.suggest(at_end("y = "))
    assert [each.sampling.logprobs for each in answers.asked] == [0, None]


async def test_a_rejected_suggestion_does_not_come_back_from_the_cache(clock: Clock) -> None:
    answers = MockAnswers(" one\n", " two\n")
    session = inline(answers, clock)
    first = await session.suggest(at_end(LINE))
    assert first is not None
    session.reject("a.py", first.id)
    second = await session.suggest(at_end(LINE))
    assert second is not None
    assert second.text == "two"


async def test_what_is_not_whole_in_time_is_shown_in_part_and_then_whole(clock: Clock) -> None:
    answers, patience = PieceByPiece(" price * count_all\n"), Pauses(open_at_once=False)
    session = Inline(answers, clock, sleep=Pauses(), patience=patience)
    asked = asyncio.create_task(session.suggest(at_end(LINE)))
    await answers.give(3)
    assert not asked.done()
    patience.gate.set()
    part = await asked
    assert part is not None
    assert (part.text, part.whole) == ("price *", False)
    again = asyncio.create_task(session.suggest(at_end(LINE)))
    await answers.give(1)
    assert not again.done()
    await answers.give(10)
    whole = await again
    assert whole is not None
    assert (whole.text, whole.id, whole.whole) == ("price * count_all", part.id, True)
    # As VS Code does to have the whole rendered.
    by_hand = await session.suggest(at_end(LINE), invoked=True)
    assert by_hand is not None
    assert (by_hand.text, by_hand.id) == (whole.text, whole.id)
    assert len(answers.asked) == 1


async def test_half_a_word_and_what_is_unsure_are_no_part(clock: Clock) -> None:
    for answers in (PieceByPiece(" price\n"), PieceByPiece(" a b c d\n", logprob=math.log(0.1))):
        session = Inline(answers, clock, sleep=Pauses(), patience=Pauses())
        asked = asyncio.create_task(session.suggest(at_end(LINE)))
        await answers.give(1)
        assert not asked.done()
        await answers.give(10)
        await asked
        assert session.counts.in_part == 0


async def test_who_types_what_is_coming_does_not_give_it_up(clock: Clock) -> None:
    answers, patience = PieceByPiece(" price * count_all\n"), Pauses(open_at_once=False)
    session = Inline(answers, clock, sleep=Pauses(), patience=patience)
    first = asyncio.create_task(session.suggest(at_end(LINE)))
    await answers.give(2)
    second = asyncio.create_task(session.suggest(at_end(LINE + "pri")))
    with pytest.raises(asyncio.CancelledError):
        await first
    await answers.give(10)
    found = await second
    assert found is not None
    assert found.text == "ce * count_all"
    assert (len(answers.asked), session.counts.typed_over) == (1, 0)


async def test_a_request_that_the_editor_cancels_can_be_taken_up_at_once(clock: Clock) -> None:
    answers = PieceByPiece(" price * count_all\n")
    session = Inline(answers, clock, sleep=Pauses(), patience=Pauses(open_at_once=False))
    asked = asyncio.create_task(session.suggest(at_end(LINE)))
    await answers.give(2)
    asked.cancel()
    taken_up = asyncio.create_task(session.suggest(at_end(LINE + "pr")))
    await answers.give(10)
    found = await taken_up
    assert found is not None
    assert (found.text, len(answers.asked)) == ("ice * count_all", 1)


async def test_a_request_that_the_editor_cancels_ends_everywhere(clock: Clock) -> None:
    answers = PieceByPiece(" price * count_all\n")
    session = Inline(answers, clock, sleep=Pauses(), patience=Pauses(open_at_once=False))
    asked = asyncio.create_task(session.suggest(at_end(LINE)))
    await answers.give(2)
    asked.cancel()
    async with asyncio.timeout(10):
        await answers.ended.wait()
    assert session.counts.typed_over == 1


def test_the_wait_grows_for_who_types_on_and_shrinks_for_who_waits() -> None:
    debounce = Debounce()
    for _ in range(50):
        debounce.typed_over()
    assert debounce.wait_s == LONGEST_S
    for _ in range(50):
        debounce.seen()
    assert debounce.wait_s == SHORTEST_S
