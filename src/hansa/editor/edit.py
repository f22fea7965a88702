"""An edit described in words: choose the lines, ask, check, show what would change."""

import re
from dataclasses import dataclass

import msgspec

from hansa.context.redact import hide, redact
from hansa.core.clock import Clock
from hansa.core.errors import EngineError, UserError
from hansa.core.ids import new_request_id
from hansa.editor.apply import unified_diff
from hansa.editor.document import Source, line_count
from hansa.editor.drafts import Draft, draft
from hansa.editor.node import Answers
from hansa.editor.plain import check_words
from hansa.editor.preferences import Preferences
from hansa.editor.reading import Reply, read
from hansa.editor.rename import read_rename, rename
from hansa.editor.soundness import is_sound
from hansa.editor.spans import Span, check_lines, choose_span
from hansa.index.languages import language_of, outline
from hansa.wire.requests import FinishReason, Request, Sampling

RETRY_TEMPERATURE = 0.3
RETRY_SEED = 1
INSTRUCTION_CHARS_MAX = 1_000

_REMOVES = re.compile(r"\b(?:remove|delete|drop|inline|merge|rename|replace|convert|move)", re.I)
_ADDS = re.compile(r"\s*(?:please\s+)?(?:add|insert|append|document)\b", re.I)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that is checked and not yet made."""

    new_text: str
    diff: str
    reply: Reply | None
    """None if no model was needed."""


async def edit(
    source: Source,
    name: str,
    instruction: str,
    answers: Answers,
    clock: Clock,
    *,
    lines: tuple[int, int] | None = None,
    preferences: Preferences | None = None,
) -> Edit:
    """Change the file `source`, called `name` in the diff, as `instruction` says.

    Raises:
        UserError: the instruction means no part of the file, or too large a part.
        EngineError: the model changed nothing, or what it wrote does not parse, twice.
    """
    text = source.lf_text
    instruction = check_words(instruction, "the instruction", INSTRUCTION_CHARS_MAX)
    span = choose_span(name, text, instruction, outline(name, text.encode()), lines)
    before, code, behind = span.cut(text)
    hidden = hide(code, name)
    ask = draft(hidden.text, redact(instruction)[0], language_of(name) or "")
    whole = is_sound(name, text)
    problem = ""
    for sampling in _attempts(ask):
        reply = await read(answers, _request(ask, sampling, preferences or Preferences()), clock)
        new_text = before + hidden.put_back(ask.finish(reply.text)) + behind
        problem = _problem(name, text, new_text, instruction, reply.finish, whole=whole)
        if not problem:
            return _edit(source, name, new_text, reply)
    raise EngineError(
        f"{problem}; nothing was changed",
        hint="say it in other words, choose fewer lines with --lines A-B, or a larger --model",
    )


def edit_without_model(
    source: Source, name: str, instruction: str, lines: tuple[int, int] | None = None
) -> Edit | None:
    """The edit, if it is one that needs no model: a rename; else None.

    Raises:
        UserError: nothing has the old name, or something the new one.
    """
    names = read_rename(instruction)
    if names is None:
        return None
    text = source.lf_text
    span = check_lines(name, text, lines) if lines else Span(1, max(line_count(text), 1))
    before, code, behind = span.cut(text)
    new_text = before + rename(code, *names) + behind
    if is_sound(name, text) and not is_sound(name, new_text):
        raise UserError(f"{names[1]} cannot be a name there; nothing was changed")
    return _edit(source, name, new_text, None)


def _attempts(ask: Draft) -> tuple[Sampling, Sampling]:
    """The likeliest answer first; if it is no good, another one, the same each time."""
    first = Sampling(max_tokens=ask.max_tokens, stop=ask.stop)
    return first, msgspec.structs.replace(first, temperature=RETRY_TEMPERATURE, seed=RETRY_SEED)


def _request(ask: Draft, sampling: Sampling, preferences: Preferences) -> Request:
    return Request(
        id=new_request_id(),
        task="edit",
        model=preferences.model,
        messages=ask.messages,
        sampling=sampling,
        policy=preferences.policy,
        budget_ms=preferences.budget_ms,
    )


def _problem(
    name: str,
    old: str,
    new: str,
    instruction: str,
    finish: FinishReason | None,
    *,
    whole: bool,
) -> str:
    """Why the model's answer is no good; empty if it may be shown."""
    if finish == "length":
        return "the model did not come to an end"
    if new == old:
        return "the model changed nothing"
    if _ADDS.match(instruction) and not _REMOVES.search(instruction) and _only_removes(old, new):
        return "the model's edit takes lines away and adds none"
    if whole and not is_sound(name, new):
        return "the model's edit does not parse"
    lost = _names(name, old) - _names(name, new)
    if lost and not _REMOVES.search(instruction):
        return f"the model's edit loses {', '.join(sorted(lost))}"
    return ""


def _only_removes(old: str, new: str) -> bool:
    """Whether every line that `new` says `old` says too, in that order."""
    rest = iter([line for line in old.splitlines() if line.strip()])
    return all(line in rest for line in new.splitlines() if line.strip())


def _names(name: str, text: str) -> set[str]:
    return {symbol.name for symbol in outline(name, text.encode())}


def _edit(source: Source, name: str, new_text: str, reply: Reply | None) -> Edit:
    new_text = new_text.replace("\n", source.newline)
    return Edit(new_text, unified_diff(name, source.text, new_text), reply)
