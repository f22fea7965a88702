"""The next edit from a model that was trained for it, where a league serves one."""

import difflib
from collections.abc import Sequence

from hansa.context import next_edit
from hansa.context.next_edit import Event
from hansa.core.clock import Clock
from hansa.core.ids import new_request_id
from hansa.editor.next.edits import NextEdit
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences
from hansa.editor.reading import read
from hansa.wire.requests import Request, Sampling

TOKENS_MAX = 512
BUDGET_MS = 600
"""A suggestion that is not of the text being typed may take a little longer."""


async def ask(
    path: str,
    text: str,
    cursor: int,
    events: Sequence[Event],
    answers: Answers,
    clock: Clock,
    preferences: Preferences,
) -> list[NextEdit]:
    """What the model would change around `cursor`, line by line; `preferences` name the model.

    Lines that it adds go with the line before them, lines it takes away become empty with it.

    Raises:
        HansaError: no node, no replica that may serve, or the answer broke off.
    """
    asked = next_edit.ask(path, text, cursor, events)
    request = Request(
        id=new_request_id(),
        task="edit",
        model=preferences.model,
        prefix=asked.prompt,
        sampling=Sampling(max_tokens=TOKENS_MAX, stop=(next_edit.REGION_END,)),
        policy=preferences.policy,
        budget_ms=preferences.budget_ms or BUDGET_MS,
    )
    reply = await read(answers, request, clock)
    wanted = next_edit.read(reply.text, asked) if reply.finish == "stop" else None
    return [] if wanted is None else list(_lines(path, asked.first_line, asked.region, wanted))


def _lines(path: str, first_line: int, region: str, wanted: str) -> list[NextEdit]:
    old, new = region.removesuffix("\n").split("\n"), wanted.split("\n")
    found: list[NextEdit] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "replace" and i2 - i1 == j2 - j1:
            found += [
                NextEdit(path, first_line + i, old[i], new[j], "model", "the model expects it")
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
            ]
        elif tag != "equal" and i2 - i1 == 1 and j2 > j1:
            text = "\n".join(new[j1:j2])
            found.append(
                NextEdit(path, first_line + i1, old[i1], text, "model", "the model expects it")
            )
        elif tag == "insert" and i1 > 0:
            text = "\n".join([old[i1 - 1], *new[j1:j2]])
            found.append(
                NextEdit(
                    path, first_line + i1 - 1, old[i1 - 1], text, "model", "the model expects it"
                )
            )
    return found
