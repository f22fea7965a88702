"""What was accepted is followed through edits, and only its distance is kept."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from hansa.core.clock import SystemClock
from hansa.editor.events import Events
from hansa.editor.lsp.documents import Documents
from hansa.editor.lsp.feedback import Feedback
from hansa.editor.suggestions import Suggestion
from hansa.editor.texts import Texts
from support.waiting import until

URI = "file:///nowhere/a.py"
LINE = "total = sum(prices)"


class Moments:
    """Waits that a test lets end, one after the other."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.gates: list[asyncio.Event] = []

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.gates.append(asyncio.Event())
        await self.gates[-1].wait()


@pytest.fixture
def events(tmp_path: Path) -> Events:
    events = Events(tmp_path)
    events.switch(on=True)
    return events


@pytest.fixture
def documents() -> Documents:
    documents = Documents(Path("/home"))
    documents.encoding = "utf-32"
    documents.opened(lsp.TextDocumentItem(URI, "python", 1, "# top\n\n"))
    return documents


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture
async def feedback(
    events: Events, documents: Documents, moments: Moments
) -> AsyncGenerator[Feedback]:
    feedback = Feedback(events, documents, SystemClock(), moments)
    yield feedback
    await feedback.close()


def insert(documents: Documents, line: int, column: int, text: str, removed: int = 0) -> None:
    around = lsp.Range(lsp.Position(line, column), lsp.Position(line, column + removed))
    change = lsp.TextDocumentContentChangePartial(around, text)
    identifier = lsp.VersionedTextDocumentIdentifier(2, URI)
    documents.changed(lsp.DidChangeTextDocumentParams(identifier, [change]))


def offer(feedback: Feedback, documents: Documents) -> None:
    opened = documents.get(URI)
    assert opened
    feedback.offer(Suggestion("req-1", LINE, 0.9, 50.0), opened, len("# top\n"), LINE)


async def test_kept_after_both_times_with_the_distance(
    feedback: Feedback, documents: Documents, moments: Moments, events: Events
) -> None:
    offer(feedback, documents)
    insert(documents, 1, 0, LINE)
    feedback.accepted("req-1")
    await until(lambda: len(moments.gates) == 1)
    insert(documents, 0, 0, "import os\n")
    insert(documents, 2, 0, "grand_total", removed=len("total"))
    insert(documents, 3, 0, "more = 1\n")
    moments.gates[0].set()
    await until(lambda: len(moments.gates) == 2)
    insert(documents, 2, 0, "", removed=len("grand_" + LINE))
    moments.gates[1].set()
    await until(lambda: len(list(events.all())) == 3)
    assert moments.waited == [30, 270]
    kept = [(each.kind, each.after_s, each.distance) for each in events.all()]
    assert kept == [("accepted", None, None), ("kept", 30, 6), ("kept", 300, len(LINE))]


async def test_what_is_not_there_is_not_followed(
    feedback: Feedback, documents: Documents, moments: Moments, events: Events
) -> None:
    offer(feedback, documents)
    insert(documents, 1, 0, "something else")
    feedback.accepted("req-1")
    feedback.accepted("req-1")
    await until(lambda: len(list(events.all())) == 1)
    assert moments.waited == []


async def test_shown_is_counted_once_and_what_is_unknown_is_ignored(
    feedback: Feedback, documents: Documents, events: Events
) -> None:
    for unknown in (feedback.shown, feedback.accepted, feedback.rejected):
        unknown("req-0")
    offer(feedback, documents)
    feedback.shown("req-1")
    offer(feedback, documents)
    feedback.shown("req-1")
    assert feedback.rejected("req-1") == URI
    await until(lambda: len(list(events.all())) == 2)
    assert [each.kind for each in events.all()] == ["shown", "rejected"]


async def test_a_file_closed_meanwhile_has_no_kept(
    feedback: Feedback, documents: Documents, moments: Moments, events: Events
) -> None:
    offer(feedback, documents)
    insert(documents, 1, 0, LINE)
    feedback.accepted("req-1")
    await until(lambda: len(moments.gates) == 1)
    documents.closed(URI)
    moments.gates[0].set()
    await feedback.close()
    assert [each.kind for each in events.all()] == ["accepted"]


@pytest.mark.parametrize("on", [True, False])
async def test_a_node_is_told_only_while_events_are_on(
    events: Events, documents: Documents, moments: Moments, on: bool
):
    told: list[tuple[str, str]] = []

    async def tell(request: str, fate: str) -> None:
        told.append((request, fate))

    events.switch(on=on)
    feedback = Feedback(events, documents, SystemClock(), moments, tell=tell)
    opened = documents.get(URI)
    assert opened
    feedback.offer(Suggestion("req-1", LINE, 1.0, 9.0), opened, 6, LINE)
    feedback.shown("req-1")
    await until(lambda: not feedback._telling)
    feedback.rejected("req-1")
    await until(lambda: not feedback._telling)
    assert told == ([("req-1", "shown"), ("req-1", "rejected")] if on else [])
    await feedback.close()


async def test_with_the_second_consent_what_settled_is_kept_accepted_or_not(
    events: Events, documents: Documents, moments: Moments, tmp_path: Path
) -> None:
    texts = Texts(tmp_path)
    texts.switch(on=True)
    feedback = Feedback(events, documents, SystemClock(), moments, texts)
    offer(feedback, documents)
    insert(documents, 1, 0, LINE)
    feedback.accepted("req-1")
    await until(lambda: len(moments.gates) == 1)
    insert(documents, 1, 0, "grand_", removed=0)
    insert(documents, 1, 6, "whole", removed=len("total"))
    offer(feedback, documents)
    feedback.rejected("req-1")
    await until(lambda: len(moments.gates) == 2)
    insert(documents, 1, len("grand_whole = sum(prices)"), "\nmore = 1")
    moments.gates[0].set()
    await until(lambda: len(list(texts.all())) == 1)
    moments.gates[1].set()
    await until(lambda: len(list(texts.all())) == 2)
    await feedback.close()
    first, second = texts.all()
    assert (first.accepted, first.before, first.suggested) == (True, "# top\ngrand_", LINE)
    assert (first.settled, first.after) == ("whole = sum(prices)", "\nmore = 1\n")
    assert (second.accepted, second.settled) == (False, "grand_whole = sum(prices)\nmore = 1")


async def test_without_the_second_consent_no_text_is_kept(
    events: Events, documents: Documents, moments: Moments, tmp_path: Path
) -> None:
    feedback = Feedback(events, documents, SystemClock(), moments, Texts(tmp_path))
    offer(feedback, documents)
    insert(documents, 1, 0, LINE)
    feedback.accepted("req-1")
    await until(lambda: len(moments.gates) == 1)
    moments.gates[0].set()
    await until(lambda: len(moments.gates) == 2)
    await feedback.close()
    assert not Texts(tmp_path).path.exists()
    assert LINE.encode() not in events.path.read_bytes()
