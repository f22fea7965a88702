"""What the page Playground is given: what an editor gets, answered in this process."""

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

from hansa.accounts.keys import ApiKey
from hansa.context.candidates import Document
from hansa.core.clock import Clock
from hansa.core.deadline import Deadline
from hansa.core.errors import EngineError, EngineUnavailable, UserError
from hansa.editor.inline import Inline, View
from hansa.editor.next.predict import predict
from hansa.editor.node import Answer
from hansa.gateway.desk import Desk
from hansa.gateway.native import own_request
from hansa.wire.playground import CompleteAsked, LineEdit, NextAsked, NextEdits, Suggested
from hansa.wire.requests import Request

SESSIONS_MAX = 32
"""Pages whose suggestions are remembered; the one used longest ago is forgotten first."""

COMPLETE_S = 10.0
NEXT_S = 5.0
THREADS = 2
"""For next edits, which are computed; more wait their turn."""

WAITING_MAX = 64
"""Requests for next edits at once; more are refused with 503 and Retry-After."""

PAIRS_MAX = 200_000
"""Pairs of equal lines in two texts above which they are not compared: it takes more than
quadratic time (3 s here), and a thread cannot be stopped. Real modules cut to the longest text
mostly have under 140,000."""


class AnswersHere:
    """Answers in this process, within the scope and limits of one key."""

    def __init__(self, desk: Desk, key: ApiKey) -> None:
        self._desk, self._key = desk, key

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncGenerator[Answer]:
        """Leaving the context stops the work. Raises what `Desk.begin` raises."""
        begun = await self._desk.begin(self._key, own_request(request, self._key))
        try:
            yield Answer(begun.request, begun.route, begun.reason, begun.chunks)
        finally:
            await begun.aclose()


class Playground:
    """The assistant of all pages of one node; each has a session of its own."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._sessions: OrderedDict[tuple[ApiKey, str], Inline] = OrderedDict()
        self._threads = ThreadPoolExecutor(THREADS, "playground")
        self._waiting = 0

    async def complete(self, key: ApiKey, asked: CompleteAsked) -> Suggested:
        """What to show at the cursor.

        Raises:
            UserError: the cursor is outside the text.
            EngineError: it took over `COMPLETE_S`.
            HansaError: no replica may serve, or its answer broke off.
        """
        if asked.cursor > len(asked.text):
            raise UserError(
                f"the cursor {asked.cursor} is behind the end of the text, {len(asked.text)}",
                hint="count characters, not UTF-16 units or bytes",
            )
        if not asked.text.strip():
            return Suggested()  # There is nothing to go on, and nothing to ask an engine.
        inline = self._session(key, asked.page)
        if asked.rejected:
            inline.reject(asked.path, asked.rejected)
        view = View(Document(asked.path, asked.text), asked.cursor)
        try:
            with Deadline(COMPLETE_S):
                return await _suggest(inline, view, invoked=asked.invoked)
        except TimeoutError:
            raise EngineError(f"no suggestion came within {COMPLETE_S:g} s") from None

    async def next(self, asked: NextAsked) -> NextEdits:
        """What follows from the latest edits, without a model.

        Raises:
            EngineUnavailable: too many ask at once.
            EngineError: it took over `NEXT_S`.
        """
        if self._waiting >= WAITING_MAX:
            raise EngineUnavailable("too many ask for next edits at once", hint="try again")
        if _pairs(asked.before, asked.now) > PAIRS_MAX:
            return NextEdits()
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            with Deadline(NEXT_S):
                found = await loop.run_in_executor(
                    self._threads, predict, asked.path, asked.before, asked.now, asked.line
                )
        except TimeoutError:
            raise EngineError(f"no next edit was found within {NEXT_S:g} s") from None
        finally:
            self._waiting -= 1
        return NextEdits(
            tuple(LineEdit(each.line, each.old, each.new, each.kind, each.why) for each in found)
        )

    def _session(self, key: ApiKey, page: str) -> Inline:
        inline = self._sessions.get((key, page))
        if inline is None:
            inline = Inline(AnswersHere(self._desk, key), self._clock)
            self._sessions[key, page] = inline
        self._sessions.move_to_end((key, page))
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return inline


async def _suggest(inline: Inline, view: View, *, invoked: bool) -> Suggested:
    try:
        found = await inline.suggest(view, invoked=invoked)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Suggested()  # A later keystroke of the same page took its place.
    if found is None:
        return Suggested()
    latest = inline.latest
    route = latest.reply.route if latest and found.whole and not found.cached else ""
    return Suggested(
        found.text, round(found.latency_ms, 1), found.confidence, route, found.cached, found.id,
        more=not found.whole,
    )  # fmt: skip


def _pairs(before: str, now: str) -> int:
    old, new = Counter(before.split("\n")), Counter(now.split("\n"))
    return sum(count * new[line] for line, count in old.items())
