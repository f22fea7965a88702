"""`hansa/nextEdit`: where the next edit belongs, from how open files were before the latest."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from itertools import pairwise
from typing import Any

from lsprotocol import types as lsp

from hansa.context.next_edit import Event
from hansa.core.clock import Clock
from hansa.core.errors import HansaError
from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Change, Documents, Open
from hansa.editor.lsp.elsewhere import Elsewhere
from hansa.editor.lsp.positions import as_lf, newline_of
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.model import ask
from hansa.editor.next.predict import predict
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences

METHOD = "hansa/nextEdit"

BURST_S = 2.0
"""A pause this long ends what counts as one edit."""

BURSTS_KEPT = 8
FILES_KEPT = 8
CHARS_MAX = 500_000
"""A longer file is not looked at."""

EDITS_MAX = 5
ELSEWHERE_MAX = 5
"""More, in other files."""


class NextEdits:
    """Listens to changes, and remembers each file as it was before the latest few edits."""

    def __init__(
        self,
        documents: Documents,
        codebases: Codebases,
        clock: Clock,
        answers: Answers,
        model: Preferences | None,
    ) -> None:
        """`model` names a next-edit model, for what follows by no rule; None: there is none."""
        self._documents, self._clock = documents, clock
        self._answers, self._model = answers, model
        self._elsewhere = Elsewhere(documents, codebases)
        self._before: OrderedDict[str, deque[str]] = OrderedDict()
        self._changed_s: dict[str, float] = {}
        documents.listeners.append(self._changed)

    async def find(self, uri: str, position: lsp.Position) -> list[dict[str, Any]]:
        """What to edit next, nearest to the cursor first: `uri`, `range`, `newText` and `why`.

        Other files come after the one that is asked about, by path and line.
        """
        opened = self._documents.get(uri)
        before = list(self._before.get(uri, ()))
        if opened is None or len(opened.text) > CHARS_MAX:
            return []
        line = position.line + 1
        found = await asyncio.to_thread(_first, opened, before, line)
        followed = await self._elsewhere.find(opened, lambda uri: self._before.get(uri, ()))
        lines = {each.line for each in found}
        more = [each for each in followed if each.path == opened.name and each.line not in lines]
        found += sorted(more, key=lambda each: abs(each.line - line))
        others = [each for each in followed if each.path != opened.name]
        if not found and not others and before and self._model is not None:
            found = await self._asked(opened, before, position, self._model)
        now = self._documents.get(uri)
        if now is None or now.text != opened.text:
            return []
        shown = found[:EDITS_MAX] + others[:ELSEWHERE_MAX]
        return [self._as_edit(opened, each) for each in shown]

    async def _asked(
        self, opened: Open, before: list[str], position: lsp.Position, model: Preferences
    ) -> list[NextEdit]:
        """A model that is away costs only what it would have said."""
        text = as_lf(opened.text)
        cursor = len(as_lf(opened.text[: self._documents.offset(opened, position)]))
        versions = [text, *before]
        events = [Event(opened.name, older, newer) for newer, older in pairwise(versions)]
        with contextlib.suppress(HansaError):
            return await ask(
                opened.name, text, cursor, events[::-1], self._answers, self._clock, model
            )
        return []

    def _as_edit(self, opened: Open, edit: NextEdit) -> dict[str, Any]:
        uri, old = opened.uri, edit.old
        if edit.path != opened.name and opened.root:
            uri = self._documents.uri_of(opened.root, edit.path)
        width = {"utf-8": len(old.encode()), "utf-16": len(old.encode("utf-16-le")) // 2}
        end = lsp.Position(edit.line - 1, width.get(self._documents.encoding, len(old)))
        return {
            "uri": uri,
            "range": lsp.Range(lsp.Position(edit.line - 1, 0), end),
            "newText": edit.new.replace("\n", newline_of(opened.text)),
            "why": edit.why,
        }

    def _changed(self, change: Change) -> None:
        now_s = self._clock.monotonic_s()
        last_s = self._changed_s.get(change.uri)
        self._changed_s[change.uri] = now_s
        if last_s is not None and now_s - last_s < BURST_S:
            return
        if len(change.before) > CHARS_MAX:
            return
        kept = self._before.setdefault(change.uri, deque(maxlen=BURSTS_KEPT))
        kept.appendleft(as_lf(change.before))
        self._before.move_to_end(change.uri)
        while len(self._before) > FILES_KEPT:
            gone, _ = self._before.popitem(last=False)
            self._changed_s.pop(gone, None)


def _first(opened: Open, before: list[str], line: int) -> list[NextEdit]:
    """What follows from the latest edit; if nothing does, from the latest two, and so on."""
    now = as_lf(opened.text)
    for text in before:
        if found := predict(opened.name, text, now, line):
            return found
    return []
