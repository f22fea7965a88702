"""A completion while it is generated: what of it can be shown before it is whole."""

import asyncio
import re

from hansa.context.candidates import Document
from hansa.context.trim import trim

_GROWING = re.compile(r"\w+$")
"""A word at the end, which the next token may make longer."""


class Coming:
    """What has come for one cursor."""

    def __init__(self, document: Document, cursor: int) -> None:
        """`cursor` is an offset in characters; line endings are LF."""
        self.document = document
        self.before, self.after = document.text[:cursor], document.text[cursor:]
        self.request_id = ""
        self.text = ""
        """All that was generated after the cursor, as it came."""
        self.confidence = 1.0
        self._multiline = False
        self._more = asyncio.Event()

    def note(self, request_id: str, text: str, confidence: float, *, multiline: bool) -> None:
        """More has come; `text` is all of it."""
        self.request_id, self.text, self.confidence = request_id, text, confidence
        self._multiline = multiline
        self._more.set()

    async def more(self) -> None:
        """Wait until more has come."""
        self._more.clear()
        await self._more.wait()

    def typed_into(self, document: Document, before: str, after: str) -> str | None:
        """What was typed of it since; None if something else was, or the cursor is elsewhere."""
        typed = before[len(self.before) :]
        same = document.path == self.document.path and after == self.after
        fits = same and before.startswith(self.before) and self.text.startswith(typed)
        return typed if fits else None

    def part(self) -> str:
        """Whole lines, or the whole words of the first line; empty if there is nothing yet."""
        trimmed = trim(
            _whole(self.text),
            self.before,
            self.after,
            path=self.document.path,
            multiline=self._multiline,
            goes_on=True,
        )
        return trimmed if re.search(r"\w", trimmed) else ""


def _whole(text: str) -> str:
    lines, broken, _ = text.rpartition("\n")
    return lines if broken and lines.strip() else _GROWING.sub("", text).rstrip()
