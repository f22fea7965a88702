"""The next edits that follow from those made just now, without a model.

Only what is near to certain: a wrong suggestion costs more than a missing one (docs/log.md has how
often it is right on the history of real packages).
"""

from hansa.editor.next import arguments, rename, repeated
from hansa.editor.next.changes import changes
from hansa.editor.next.edits import NextEdit
from hansa.editor.next.tokens import tokens

EDITS_MAX = 100
CHANGES_MAX = 50
"""After more changes than this nobody is in the middle of one thought."""


def predict(path: str, before: str, now: str, line: int = 1) -> list[NextEdit]:
    """What to edit next in a file that was `before` and is `now`, nearest to `line` first.

    Each edit is for `now` as it is; after one is accepted, ask again.
    """
    made = changes(before, now)
    if not made or len(made) > CHANGES_MAX:
        return []
    old, new = tokens(path, before), tokens(path, now)
    if not old or not new:
        return []
    lines = now.split("\n")
    touched = {each.new_start + n for each in made for n in range(len(each.new))}
    found: dict[int, NextEdit] = {}
    for rule in (rename.edits, arguments.edits, repeated.edits):
        for edit in rule(path, made, old, new, lines):
            # A use of the old name that was written just now follows, too.
            fresh = edit.line in touched and edit.kind != "rename"
            if not fresh and edit.new != lines[edit.line - 1]:
                found.setdefault(edit.line, edit)
    near = sorted(found.values(), key=lambda edit: (abs(edit.line - line), edit.line))
    return near[:EDITS_MAX]
