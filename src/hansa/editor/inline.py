"""What is suggested while somebody types: from what is known already, or from a model.

A suggestion that is typed into is served before anything is waited for or looked up. Otherwise a
pause is waited for, which adapts; the request before is given up, unless what is typed is what its
answer says; what a model is not sure of is not shown. What is not whole in time is shown in part:
whole words now, the rest at the next key or when it is asked for again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from hansa.context.budget import Limits
from hansa.context.candidates import Codebase, Document
from hansa.core.clock import Clock
from hansa.editor.coming import Coming
from hansa.editor.complete import Completion, Planner, between_lines, complete, plan_here
from hansa.editor.debounce import Debounce
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.suggestions import Suggestion, Suggestions

PAUSE_S = 0.1
"""A block of lines from the cache waits for so long a pause: popping up at each key it jars."""

PATIENCE_S = 0.1
"""After so long, what has come is shown."""

GRACE_S = 0.03
"""An editor cancels a request when a key is typed, and asks anew: what comes by then goes on."""

CONFIDENCE_MIN = 0.3
"""What the model is less sure of is shown only to who asks for it."""

ESCALATED_BUDGET_MS = 5_000
"""What a larger model may take, when somebody asks for more than a small one is sure of."""

WAYS = 4
"""Without a larger model, so many lines are tried then, and weighed by what follows."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class View:
    """What the editor has before it."""

    document: Document
    cursor: int
    """Offset in characters; line endings are LF."""
    open_files: tuple[Document, ...] = ()
    """Other files, the one looked at last first."""


@dataclass(slots=True, eq=False)
class _Running:
    """An answer that is on its way."""

    coming: Coming
    began_s: float
    task: asyncio.Task[Suggestion | None]
    parted: bool = False
    """Part of it was shown."""


@dataclass(slots=True)
class Counts:
    """What became of the keystrokes of a session."""

    asked: int = 0
    cached: int = 0
    in_part: int = 0
    typed_over: int = 0
    unsure: int = 0
    empty: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0


class Inline:
    """The suggestions of one editor."""

    def __init__(
        self,
        answers: Answers,
        clock: Clock,
        *,
        codebase: Codebase | None = None,
        preferences: Preferences | None = None,
        limits: Limits | None = None,
        larger: str = "",
        sleep: Sleep = asyncio.sleep,
        patience: Sleep = asyncio.sleep,
        planner: Planner = plan_here,
    ) -> None:
        """`larger` is the model that is asked when a small one is unsure; empty: none."""
        self._planner = planner
        self._answers, self._clock = answers, clock
        self._sleep, self._patience = sleep, patience
        self.codebase = codebase
        self._preferences = preferences or Preferences()
        self.limits = limits
        self._larger = larger
        self._known = Suggestions()
        self._debounce = Debounce()
        self._running: _Running | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._asks_confidence = True
        self.counts = Counts()
        self.latest: Completion | None = None
        """What the latest suggestion of a model came from, for explaining it."""

    async def suggest(self, view: View, *, invoked: bool = False) -> Suggestion | None:
        """What belongs at the cursor; None if nothing is to be shown.

        A later call takes the place of this one, which then raises CancelledError. `invoked`:
        somebody asked for it, so nothing is waited for, and it is shown whole, though it be unsure.

        Raises:
            HansaError: no node, no replica that may serve, or the answer broke off.
        """
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        if not view.document.text:
            self._give_up()
            return None  # A node refuses to go on from nothing.
        before = view.document.text[: view.cursor]
        after = view.document.text[view.cursor :]
        known = self._known.find(view.document.path, before, after)
        if known is not None and not (known.multiline and not invoked):
            self._give_up()
            self.counts.cached += 1
            return known
        running = self._running
        typed = running and running.coming.typed_into(view.document, before, after)
        if running is None or typed is None or running.task.done() or known or invoked:
            self._give_up()
            running, typed = self._start(view, known, invoked=invoked), ""
        whole_only = invoked or (running.parted and not typed)
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await self._first(running, view, typed, waiting, whole_only=whole_only)
        except asyncio.CancelledError:
            if not waiting.done():
                self._leave(running, waiting)
            raise

    def _leave(self, running: _Running, waiting: asyncio.Future[None]) -> None:
        """Give it up, unless somebody asks for it at once."""

        def left() -> None:
            if self._running is running and self._waiting is waiting:
                self._give_up()

        asyncio.get_running_loop().call_later(GRACE_S, left)

    def _start(self, view: View, known: Suggestion | None, *, invoked: bool) -> _Running:
        coming = Coming(view.document, view.cursor)
        work = self._after_a_pause(known) if known else self._ask(view, coming, invoked=invoked)
        task = asyncio.create_task(work)
        # Whoever saw a part of it may never ask for the rest.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._running = _Running(coming, self._clock.monotonic_s(), task)
        return self._running

    async def _first(
        self, running: _Running, view: View, typed: str, waiting: asyncio.Future[None], *,
        whole_only: bool,
    ) -> Suggestion | None:  # fmt: skip
        """The whole, or after some patience a part of it, whichever is there first."""
        patience = asyncio.ensure_future(self._patience(PATIENCE_S))
        more: asyncio.Future[None] = patience
        try:
            while not running.task.done():
                watched = {running.task, waiting} if whole_only else {running.task, waiting, more}
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    raise asyncio.CancelledError
                if patience.done() and not whole_only and not running.task.done():
                    if part := self._part(running, typed):
                        return part
                    more.cancel()
                    more = asyncio.ensure_future(running.coming.more())
        finally:
            more.cancel()
            patience.cancel()
        return self._ended(running, view, typed)

    def _part(self, running: _Running, typed: str) -> Suggestion | None:
        coming = running.coming
        text = coming.part()
        if coming.confidence < CONFIDENCE_MIN or not text.startswith(typed) or text == typed:
            return None
        running.parted = True
        self.counts.in_part += 1
        self._debounce.seen()
        latency_ms = (self._clock.monotonic_s() - running.began_s) * 1000
        rest = text[len(typed) :]
        return Suggestion(coming.request_id, rest, coming.confidence, latency_ms, whole=False)

    def _ended(self, running: _Running, view: View, typed: str) -> Suggestion | None:
        if self._running is running:
            self._running = None
        whole = running.task.result()
        if whole is None or not typed:
            return whole
        text, cursor = view.document.text, view.cursor
        return self._known.find(view.document.path, text[:cursor], text[cursor:])

    def reject(self, path: str, suggestion_id: str) -> None:
        """It is not wanted: do not show it again."""
        self._known.drop(path, suggestion_id)

    def _give_up(self) -> None:
        running, self._running = self._running, None
        if running is not None and not running.task.done():
            running.task.cancel()
            if not running.parted:
                self.counts.typed_over += 1
                self._debounce.typed_over()

    async def _after_a_pause(self, known: Suggestion) -> Suggestion:
        await self._sleep(PAUSE_S)
        self.counts.cached += 1
        return known

    async def _ask(self, view: View, coming: Coming, *, invoked: bool) -> Suggestion | None:
        if not invoked:
            await self._sleep(self._debounce.wait_s)
        self.counts.asked += 1
        began_s = self._clock.monotonic_s()
        done = await self._complete(view, self._preferences, coming)
        if invoked and done.confidence < CONFIDENCE_MIN:
            done = await self._better(view, done)
        self._debounce.seen()
        self._count(done)
        return self._shown(view, done, began_s, invoked=invoked)

    async def _better(self, view: View, unsure: Completion) -> Completion:
        """What a larger model says, or else the line that what follows fits best."""
        if self._larger:
            larger = replace(self._preferences, model=self._larger, budget_ms=ESCALATED_BUDGET_MS)
            return await self._complete(view, larger, None)
        if not between_lines(unsure.plan):
            return unsure
        patient = replace(self._preferences, budget_ms=ESCALATED_BUDGET_MS)
        weighed = await self._complete(view, patient, None, best_of=WAYS)
        return weighed if weighed.text else unsure

    def _shown(
        self, view: View, done: Completion, began_s: float, *, invoked: bool
    ) -> Suggestion | None:
        if not done.text:
            self.counts.empty += 1
            return None
        latency_ms = (self._clock.monotonic_s() - began_s) * 1000
        suggestion = Suggestion(done.reply.request_id, done.text, done.confidence, latency_ms)
        if done.confidence < CONFIDENCE_MIN and not invoked:
            self.counts.unsure += 1
            return None
        text, cursor = view.document.text, view.cursor
        self._known.keep(view.document.path, text[:cursor], text[cursor:], suggestion)
        return suggestion

    async def _complete(
        self, view: View, preferences: Preferences, coming: Coming | None, *, best_of: int = 1
    ) -> Completion:
        codebase = self.codebase or Codebase()
        done = await complete(
            view.document,
            view.cursor,
            self._answers,
            self._clock,
            codebase=replace(codebase, open_files=view.open_files),
            preferences=preferences,
            limits=self.limits,
            confidence=self._asks_confidence,
            planner=self._planner,
            coming=coming,
            best_of=best_of,
        )
        # An engine that gives no log-probabilities is not asked for them again.
        if best_of == 1 and done.reply.text and not done.reply.logprobs:
            self._asks_confidence = False
        self.latest = done
        return done

    def _count(self, done: Completion) -> None:
        if usage := done.reply.usage:
            self.counts.prompt_tokens += usage.prompt_tokens
            self.counts.cached_tokens += usage.cached_tokens
