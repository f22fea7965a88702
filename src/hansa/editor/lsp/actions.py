"""What an editor can have done besides suggestions: edits in words, and questions about Hansa."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types as lsp

from hansa.core.clock import Clock
from hansa.core.errors import UserError
from hansa.editor.document import Source
from hansa.editor.edit import edit, edit_without_model
from hansa.editor.explain import explained, words
from hansa.editor.lsp.documents import Documents, Open
from hansa.editor.lsp.positions import differing, position_at
from hansa.editor.node import Answers
from hansa.editor.preferences import Preferences

if TYPE_CHECKING:
    from hansa.editor.complete import Completion

EDIT = "hansa.edit"
ASK_FOR_EDIT = "hansa.askForEdit"
"""Run by the editor itself: it asks for the instruction, then runs `EDIT`."""

EXPLAIN = "hansa.explain"
STATUS = "hansa.status"

KINDS = (lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.RefactorRewrite)
TITLE_CHARS_MAX = 80

READY_MADE = (
    ("Hansa: add a docstring", "add a docstring"),
    ("Hansa: add type annotations", "add type annotations"),
)
"""Titles and instructions of what needs no words."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An edit as a command's argument names it; lines count from 1, both included."""

    uri: str
    instruction: str
    lines: tuple[int, int] | None

    @classmethod
    def read(cls, argument: Any) -> "Wanted":
        """Raises UserError if it is no such argument."""
        given = cast("dict[str, Any]", argument if isinstance(argument, dict) else {})
        uri, instruction, lines = (given.get(each) for each in ("uri", "instruction", "lines"))
        if not isinstance(uri, str) or not isinstance(instruction, str) or not instruction.strip():
            raise UserError(
                f"{EDIT} needs a file and an instruction",
                hint='give it {"uri": ..., "instruction": "...", "lines": [first, last]}',
            )
        if lines is None:
            return cls(uri, instruction, None)
        match lines:
            case [int(first), int(last)] if 1 <= first <= last:
                return cls(uri, instruction, (first, last))
            case _:
                raise UserError(f"{lines!r} is no range of lines", hint="give [first, last]")


def code_actions(
    opened: Open, params: lsp.CodeActionParams, *, asks: bool
) -> Iterator[lsp.CodeAction]:
    """What can be done with the lines chosen; `asks`: the editor can ask for an instruction."""
    first, last = params.range.start.line + 1, params.range.end.line + 1
    if params.range.end.character == 0 and last > first:
        last -= 1
    where: dict[str, Any] = {"uri": opened.uri, "lines": [first, last]}
    if asks:
        yield _action("Hansa: edit ...", ASK_FOR_EDIT, where, lsp.CodeActionKind.RefactorRewrite)
    for each in params.context.diagnostics:
        said = " ".join(each.message.split())
        lines = [each.range.start.line + 1, each.range.end.line + 1]
        wanted = {"uri": opened.uri, "lines": lines, "instruction": f"fix this: {said}"}
        title = f"Hansa: fix: {said}"[:TITLE_CHARS_MAX]
        yield _action(title, EDIT, wanted, lsp.CodeActionKind.QuickFix)
    for title, instruction in READY_MADE:
        wanted = {**where, "instruction": instruction}
        yield _action(title, EDIT, wanted, lsp.CodeActionKind.RefactorRewrite)


async def edited(
    wanted: Wanted,
    documents: Documents,
    answers: Answers,
    clock: Clock,
    preferences: Preferences,
) -> lsp.WorkspaceEdit:
    """The edit, for the file as it was when it was asked for; the editor refuses it for another.

    Raises:
        HansaError: as `edit`.
        UserError: the file is not open, or was changed meanwhile.
    """
    opened = documents.get(wanted.uri)
    if opened is None:
        raise UserError("that file is not open", hint="open it, then try again")
    source = Source(Path(opened.name), opened.text, "")
    made = edit_without_model(source, opened.name, wanted.instruction, wanted.lines)
    if made is None:
        made = await edit(source, opened.name, wanted.instruction, answers, clock,
                          lines=wanted.lines, preferences=preferences)  # fmt: skip
    now = documents.get(wanted.uri)
    if now is None or now.text != opened.text:
        raise UserError(f"{opened.name} was changed meanwhile; nothing was edited")
    change = _smallest(opened, made.new_text, documents)
    identifier = lsp.OptionalVersionedTextDocumentIdentifier(opened.uri, opened.version)
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(identifier, [change])])


def explanation(latest: "Completion | None") -> list[str]:
    """Why the latest suggestion of a model is what it is, a line at a time."""
    return list(words(explained(latest))) if latest else ["no model was asked yet"]


def _action(
    title: str, command: str, argument: dict[str, Any], kind: lsp.CodeActionKind
) -> lsp.CodeAction:
    return lsp.CodeAction(title, kind, command=lsp.Command(title, command, arguments=[argument]))


def _smallest(opened: Open, new: str, documents: Documents) -> lsp.TextEdit:
    """Replaces only what differs, so that marks and folds elsewhere stay."""
    old = opened.text
    start, behind = differing(old, new)
    places = (position_at(old, at, documents.encoding) for at in (start, len(old) - behind))
    text = new[start : len(new) - behind]
    return lsp.TextEdit(lsp.Range(*(lsp.Position(*each) for each in places)), text)
