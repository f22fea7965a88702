"""What a next-edit model is asked, and what it answers, in the form that Zeta was trained on.

Source: the model card of zed-industries/zeta. Not run here, since no such model comes in a package;
a league that serves one names it with `hansa lsp --next-edit-model`.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hansa.context.redact import redact, redact_around

CURSOR = "<|user_cursor_is_here|>"
FILE_START = "<|start_of_file|>"
REGION_START = "<|editable_region_start|>"
REGION_END = "<|editable_region_end|>"
_MARKERS = (CURSOR, FILE_START, REGION_START, REGION_END)

EDITABLE_LINES = 16
"""Above and below the cursor, that may be rewritten."""

CONTEXT_LINES = 16
"""More above and below, only to be read."""

EVENTS_MAX = 8
DIFF_CHARS_MAX = 2_000

_TASK = "Rewrite the excerpt with the edits that the user will make next, given the edits so far."


@dataclass(frozen=True, slots=True)
class Event:
    """An edit that was made, the latest last."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Asked:
    prompt: str
    first_line: int
    """Of the editable region, 1-based."""
    region: str
    """As it is now."""
    redacted: int


def ask(path: str, text: str, cursor: int, events: Sequence[Event]) -> Asked:
    """The prompt for the next edit near `cursor`, an offset in characters."""
    text, cursor = _plain(text[:cursor]) + _plain(text[cursor:]), len(_plain(text[:cursor]))
    lines = text.split("\n")
    line = text.count("\n", 0, cursor)
    first, last = max(0, line - EDITABLE_LINES), min(len(lines), line + EDITABLE_LINES + 1)
    region = "\n".join(lines[first:last])
    at = cursor - sum(len(each) + 1 for each in lines[:first])
    above = lines[max(0, first - CONTEXT_LINES) : first]
    below = lines[last : last + CONTEXT_LINES]
    begins = [FILE_START] if first <= CONTEXT_LINES else []
    before = "\n".join([*begins, *above, REGION_START, region[:at]])
    after = "\n".join([region[at:], REGION_END, *below])
    before, after, found = redact_around(before, after, path)
    told = [_event(each) for each in events[-EVENTS_MAX:]]
    said = "\n\n".join(event for event, _ in told)
    prompt = (
        f"### Instruction:\n{_TASK}\n\n### User Edits:\n\n{said}\n\n"
        f"### User Excerpt:\n\n```{path}\n{before}{CURSOR}{after}\n```\n\n### Response:\n"
    )
    return Asked(prompt, first + 1, region, found + sum(count for _, count in told))


def read(answer: str, asked: Asked) -> str | None:
    """The region as the model wants it; None if it said nothing usable, or nothing new."""
    if asked.redacted and "REDACTED" in answer:
        return None  # It would be written over what was taken out.
    _, start, rest = answer.partition(REGION_START)
    text = (rest if start else answer).partition(REGION_END)[0].replace(CURSOR, "")
    text = text.removeprefix("\n").removesuffix("\n")
    if not text.strip() or text == asked.region.strip("\n"):
        return None
    return text


def _plain(text: str) -> str:
    """Text in which nothing can pose as one of the form's own marks."""
    for mark in _MARKERS:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def _event(event: Event) -> tuple[str, int]:
    """What was edited, and how many secrets were taken out of it."""
    before, after = _plain(event.before).split("\n"), _plain(event.after).split("\n")
    diff = difflib.unified_diff(before, after, n=2, lineterm="")
    body, found = redact("\n".join(list(diff)[2:]), event.path)
    return f'User edited "{event.path}":\n```diff\n{body[:DIFF_CHARS_MAX]}\n```', found
