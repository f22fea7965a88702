"""`textDocument/inlineCompletion`: what is shown as ghost text at the cursor."""

import asyncio
import statistics
from collections import deque
from dataclasses import replace

from lsprotocol import types as lsp

from hansa.core.errors import HansaError
from hansa.editor.inline import Inline, View
from hansa.editor.lsp.codebases import Codebases
from hansa.editor.lsp.documents import Documents, Open
from hansa.editor.lsp.feedback import Feedback
from hansa.editor.lsp.positions import as_lf, newline_of, position_at
from hansa.editor.lsp.recent import RecentEdits
from hansa.editor.lsp.trouble import Trouble
from hansa.editor.suggestions import Suggestion

ACCEPTED = "hansa.accepted"
"""The command an editor runs after it has inserted a suggestion; its arguments say which."""

LATENCIES_KEPT = 256


class InlineCompletion:
    def __init__(
        self,
        inline: Inline,
        documents: Documents,
        codebases: Codebases,
        recent: RecentEdits,
        feedback: Feedback,
        trouble: Trouble,
    ) -> None:
        self._inline, self._documents, self._codebases = inline, documents, codebases
        self._recent, self._feedback, self._trouble = recent, feedback, trouble
        self._latencies_ms: deque[float] = deque(maxlen=LATENCIES_KEPT)

    @property
    def latency_ms_median(self) -> float | None:
        """Of what models were asked for lately, as the editor waited for it."""
        return statistics.median(self._latencies_ms) if self._latencies_ms else None

    async def complete(self, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
        """None if there is nothing to show, or a later request has taken this one's place.

        Raises CancelledError if the editor cancels it; the work for it then ends everywhere.
        """
        opened = self._documents.looked_at(params.text_document.uri)
        invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
        if opened is None or opened.too_large or not self._trouble.may_try(invoked=invoked):
            return None
        at = _Place.of(self._documents, opened, params)
        try:
            suggestion = await self._suggest(at, invoked=invoked)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            return None
        except HansaError as error:
            self._trouble.met(error, invoked=invoked)
            return None
        if suggestion is None:
            return None
        return lsp.InlineCompletionList([self._item(at, suggestion)])

    async def _suggest(self, at: "_Place", *, invoked: bool) -> Suggestion | None:
        here, counts = at.opened, self._inline.counts
        line = at.before_lf.count("\n")
        self._inline.codebase = replace(
            self._codebases.of(here.root), edited=self._recent.elsewhere(here, line)
        )
        document = replace(here.document, text=at.before_lf + at.after_lf)
        view = View(document, len(at.before_lf), self._documents.others(here))
        asked = counts.asked
        suggestion = await self._inline.suggest(view, invoked=invoked)
        if counts.asked > asked:
            self._trouble.over()
        if suggestion and not suggestion.cached:
            self._latencies_ms.append(suggestion.latency_ms)
        return suggestion

    def _item(self, at: "_Place", suggestion: Suggestion) -> lsp.InlineCompletionItem:
        text = at.replacement + suggestion.text.replace("\n", newline_of(at.opened.text))
        self._feedback.offer(suggestion, at.opened, at.start, text)
        more = not suggestion.whole
        arguments: list[lsp.LSPAny] = [{"id": suggestion.id, "uri": at.opened.uri, "more": more}]
        start, end = (self._position(at.opened, each) for each in (at.start, at.cursor))
        return lsp.InlineCompletionItem(
            insert_text=text,
            range=lsp.Range(start, end),
            command=lsp.Command("Hansa: accepted", ACCEPTED, arguments=arguments),
        )

    def _position(self, opened: Open, offset: int) -> lsp.Position:
        return lsp.Position(*position_at(opened.text, offset, self._documents.encoding))


class _Place:
    """Where a suggestion is wanted: at the cursor, or behind what a menu there would insert."""

    def __init__(self, opened: Open, start: int, cursor: int, replacement: str) -> None:
        self.opened, self.start, self.cursor = opened, start, cursor
        self.replacement = replacement
        self.before_lf = as_lf(opened.text[:start]) + as_lf(replacement)
        self.after_lf = as_lf(opened.text[cursor:])

    @classmethod
    def of(cls, documents: Documents, opened: Open, params: lsp.InlineCompletionParams) -> "_Place":
        cursor = documents.offset(opened, params.position)
        chosen = params.context.selected_completion_info
        if chosen is None:
            return cls(opened, cursor, cursor, "")
        start = min(documents.offset(opened, chosen.range.start), cursor)
        return cls(opened, start, cursor, chosen.text)
