"""What becomes of suggestions in the editor, told to `Events`; also what stands there later.

What was accepted is followed through edits, in memory, for five minutes; only the distance to what
stands there then is kept. Who has consented to texts, a second consent, also has what stands there
after half a minute kept, accepted or not.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hansa.core.clock import Clock
from hansa.core.errors import HansaError
from hansa.editor.distance import edit_distance
from hansa.editor.events import Event, EventKind, Events
from hansa.editor.lsp.documents import Change, Documents, Open
from hansa.editor.lsp.positions import as_lf
from hansa.editor.suggestions import Suggestion
from hansa.editor.texts import LANGUAGES, SettledText, Texts, around
from hansa.wire.native import Fate

FATES: dict[EventKind, Fate] = {
    "shown": "shown",
    "accepted": "accepted",
    "partly_accepted": "accepted",
    "rejected": "rejected",
}
"""What a node is told of an event, if it is told at all."""

KEPT_AFTER_S = (30, 300)
SETTLED_AFTER_S = 30
"""Of those: when a text is kept, if texts are."""
OFFERED_MAX = 64
FOLLOWED_MAX = 64

Sleep = Callable[[float], Awaitable[None]]
Tell = Callable[[str, Fate], Awaitable[None]]
"""Says to a node what became of the suggestion that a request made."""

TELLING_MAX = 16
"""At once; what comes beyond is not told."""


@dataclass(slots=True)
class _Offered:
    suggestion: Suggestion
    uri: str
    language: str
    start: int
    """Where it was offered, a character offset, as it moves with edits before it."""
    text: str
    """As it was sent, with the file's line endings."""
    seen: bool = False


@dataclass(slots=True, eq=False)
class _Followed:
    uri: str
    start: int
    end: int
    grows: bool = False
    """Whether what is typed at its end belongs to it."""


class Feedback:
    def __init__(
        self,
        events: Events,
        documents: Documents,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        texts: Texts | None = None,
        tell: Tell | None = None,
    ) -> None:
        """With `tell`, a node hears what became of suggestions, while events are on."""
        self._tell, self._telling = tell, 0
        self._events, self._documents, self._texts = events, documents, texts
        self._clock, self._sleep = clock, sleep
        self._offered: OrderedDict[str, _Offered] = OrderedDict()
        self._followed: list[_Followed] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = ThreadPoolExecutor(1, "hansa-events")
        documents.listeners.append(self._changed)

    def offer(self, suggestion: Suggestion, opened: Open, start: int, text: str) -> None:
        """It is sent to the editor, to be inserted at `start`."""
        known = self._offered.pop(suggestion.id, None)
        offered = _Offered(suggestion, opened.uri, opened.language, start, text)
        offered.seen = known is not None and known.seen
        self._offered[suggestion.id] = offered
        while len(self._offered) > OFFERED_MAX:
            self._offered.popitem(last=False)

    def shown(self, suggestion_id: str) -> None:
        """The editor has rendered it; counted once."""
        offered = self._offered.get(suggestion_id)
        if offered and not offered.seen:
            offered.seen = True
            self._record("shown", offered, offered.text)

    def accepted(self, suggestion_id: str) -> None:
        """All of it, or all that was left, now stands in the file."""
        offered = self._offered.pop(suggestion_id, None)
        if offered is None:
            return
        self._record("accepted", offered, offered.text)
        opened = self._documents.get(offered.uri)
        end = offered.start + len(offered.text)
        if opened and opened.text[offered.start : end] == offered.text:
            followed = self._begin(_Followed(offered.uri, offered.start, end))
            self._spawn(self._follow(offered, followed))

    def partly_accepted(self, suggestion_id: str, chars: int) -> None:
        """The next `chars` characters of it; more of it may follow."""
        if offered := self._offered.get(suggestion_id):
            self._record("partly_accepted", offered, offered.text[: max(0, chars)])

    def rejected(self, suggestion_id: str) -> str:
        """It was dismissed. Returns the file it was for; empty if it is not known."""
        offered = self._offered.pop(suggestion_id, None)
        if offered is None:
            return ""
        self._record("rejected", offered, offered.text)
        opened = self._documents.get(offered.uri)
        if opened and offered.language in LANGUAGES and self._keeps_texts():
            end = opened.text.find("\n", offered.start)
            end = len(opened.text) if end < 0 else end
            followed = self._begin(_Followed(offered.uri, offered.start, end, grows=True))
            self._spawn(self._settle(offered, followed))
        return offered.uri

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writing.shutdown()

    async def _follow(self, offered: _Offered, followed: _Followed) -> None:
        waited_s = 0
        for after_s in KEPT_AFTER_S:
            await self._sleep(after_s - waited_s)
            waited_s = after_s
            opened = self._documents.get(followed.uri)
            if opened is None or followed not in self._followed:
                return
            now = opened.text[followed.start : followed.end]
            distance = await asyncio.to_thread(edit_distance, offered.text, now)
            self._record("kept", offered, offered.text, after_s=after_s, distance=distance)
            if after_s == SETTLED_AFTER_S:
                self._keep_text(offered, followed, accepted=True)
        self._followed.remove(followed)

    async def _settle(self, offered: _Offered, followed: _Followed) -> None:
        """What is written instead of something that was rejected."""
        await self._sleep(SETTLED_AFTER_S)
        if followed in self._followed:
            self._keep_text(offered, followed, accepted=False)
            self._followed.remove(followed)

    def _begin(self, followed: _Followed) -> _Followed:
        self._followed = [*self._followed, followed][-FOLLOWED_MAX:]
        return followed

    def _keeps_texts(self) -> bool:
        try:
            return self._texts is not None and self._texts.is_on()
        except HansaError:
            return False

    def _keep_text(self, offered: _Offered, followed: _Followed, *, accepted: bool) -> None:
        """Kept only with the second consent, and never of a file that is left out of the index."""
        opened = self._documents.get(followed.uri)
        if opened is None or opened.private or not self._keeps_texts():
            return
        start, end = followed.start, followed.end
        if (sides := around(opened.text, start, end)) is None:
            return
        text = SettledText(
            at_ms=self._clock.now_ms(),
            suggestion=offered.suggestion.id,
            language=offered.language,
            accepted=accepted,
            after_s=SETTLED_AFTER_S,
            before=as_lf(sides[0]),
            suggested=as_lf(offered.text),
            settled=as_lf(opened.text[start:end]),
            after=as_lf(sides[1]),
        )
        self._writing.submit(_record_text, self._texts, text)

    def _record(
        self,
        kind: EventKind,
        offered: _Offered,
        text: str,
        *,
        after_s: int | None = None,
        distance: int | None = None,
    ) -> None:
        suggestion = offered.suggestion
        event = Event(
            at_ms=self._clock.now_ms(),
            kind=kind,
            suggestion=suggestion.id,
            language=offered.language,
            chars=len(text),
            lines=text.count("\n") + 1,
            confidence=round(suggestion.confidence, 3),
            latency_ms=round(suggestion.latency_ms, 1),
            cached=suggestion.cached,
            after_s=after_s,
            distance=distance,
        )
        self._writing.submit(_record, self._events, event)
        if self._tell and kind in FATES and self._telling < TELLING_MAX:
            self._telling += 1
            self._spawn(self._say(self._tell, suggestion.id, FATES[kind]))

    async def _say(self, tell: Tell, suggestion: str, fate: Fate) -> None:
        """Where nobody hears it, it is lost, as an event is that the disk refuses."""
        try:
            if await asyncio.to_thread(self._events.is_on):
                await tell(suggestion, fate)
        except HansaError:
            return
        finally:
            self._telling -= 1

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, change: Change) -> None:
        grown = len(change.text) - (change.end - change.start)
        for each in self._offered.values():
            if each.uri == change.uri and change.end <= each.start and change.start < each.start:
                each.start += grown
        for each in self._followed:
            at_end = each.grows and change.start == each.end
            if each.uri != change.uri or (change.start >= each.end and not at_end):
                continue
            if change.end <= each.start and not at_end:
                each.start, each.end = each.start + grown, each.end + grown
            else:
                each.start = min(each.start, change.start)
                each.end = max(each.end, change.end) + grown


def _record(events: Events, event: Event) -> None:
    """Where the disk refuses, an event is lost, and nobody is interrupted for it."""
    try:
        events.record(event)
    except HansaError:
        return


def _record_text(texts: Texts | None, text: SettledText) -> None:
    """As with events."""
    if texts is not None:
        try:
            texts.record(text)
        except HansaError:
            return
