"""What is suggested while somebody types: from what is known already, or from a model.

A suggestion that is typed into is served before anything is waited for or looked up. Otherwise a
pause is waited for, which adapts; the request before is given up; what a model is not sure of is
not shown.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from hansa.context.budget import Limits
from hansa.context.candidates import Codebase, Document
from hansa.core.clock import Clock
from hansa.editor.complete import Completion, Planner, complete, plan_here
from hansa.editor.debounce import Debounce
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.suggestions import Suggestion, Suggestions

PAUSE_S = 0.1
"""A block of lines from the cache waits for so long a pause: popping up at each key it jars."""

CONFIDENCE_MIN = 0.3
"""What the model is less sure of is shown only to who asks for it."""

ESCALATED_BUDGET_MS = 5_000
"""What a larger model may take, when somebody asks for more than a small one is sure of."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class View:
    """What the editor has before it."""

    document: Document
    cursor: int
    """Offset in characters; line endings are LF."""
    open_files: tuple[Document, ...] = ()
    """Other files, the one looked at last first."""


@dataclass(slots=True)
class Counts:
    """What became of the keystrokes of a session."""

    asked: int = 0
    cached: int = 0
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
        planner: Planner = plan_here,
    ) -> None:
        """`larger` is the model that is asked when a small one is unsure; empty: none."""
        self._planner = planner
        self._answers, self._clock, self._sleep = answers, clock, sleep
        self.codebase = codebase
        self._preferences = preferences or Preferences()
        self.limits = limits
        self._larger = larger
        self._known = Suggestions()
        self._debounce = Debounce()
        self._running: asyncio.Task[Suggestion | None] | None = None
        self._asks_confidence = True
        self.counts = Counts()
        self.latest: Completion | None = None
        """What the latest suggestion of a model came from, for explaining it."""

    async def suggest(self, view: View, *, invoked: bool = False) -> Suggestion | None:
        """What belongs at the cursor; None if nothing is to be shown.

        A later call gives up this one, which then raises CancelledError. `invoked`: somebody asked
        for it, so nothing is waited for and an unsure suggestion is better than none.

        Raises:
            HansaError: no node, no replica that may serve, or the answer broke off.
        """
        self._give_up()
        before = view.document.text[: view.cursor]
        after = view.document.text[view.cursor :]
        known = self._known.find(view.document.path, before, after)
        if known is not None and not (known.multiline and not invoked):
            self.counts.cached += 1
            return known
        task = asyncio.create_task(
            self._after_a_pause(known) if known else self._ask(view, invoked=invoked)
        )
        self._running = task
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            if self._running is task:
                self._running = None

    def reject(self, path: str, suggestion_id: str) -> None:
        """It is not wanted: do not show it again."""
        self._known.drop(path, suggestion_id)

    def _give_up(self) -> None:
        if self._running is not None and not self._running.done():
            self._running.cancel()
            self._running = None
            self.counts.typed_over += 1
            self._debounce.typed_over()

    async def _after_a_pause(self, known: Suggestion) -> Suggestion:
        await self._sleep(PAUSE_S)
        self.counts.cached += 1
        return known

    async def _ask(self, view: View, *, invoked: bool) -> Suggestion | None:
        if not invoked:
            await self._sleep(self._debounce.wait_s)
        self.counts.asked += 1
        began_s = self._clock.monotonic_s()
        done = await self._complete(view, self._preferences)
        if invoked and self._larger and done.confidence < CONFIDENCE_MIN:
            better = replace(self._preferences, model=self._larger, budget_ms=ESCALATED_BUDGET_MS)
            done = await self._complete(view, better)
        self._debounce.seen()
        self._count(done)
        return self._shown(view, done, began_s, invoked=invoked)

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

    async def _complete(self, view: View, preferences: Preferences) -> Completion:
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
        )
        # An engine that gives no log-probabilities is not asked for them again.
        if done.reply.text and not done.reply.logprobs:
            self._asks_confidence = False
        self.latest = done
        return done

    def _count(self, done: Completion) -> None:
        if usage := done.reply.usage:
            self.counts.prompt_tokens += usage.prompt_tokens
            self.counts.cached_tokens += usage.cached_tokens
