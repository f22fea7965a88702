"""What every command that changes files shares: show, ask, write, say how to take it back."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import say

if TYPE_CHECKING:
    from hansa.editor.journal import Change, Journal, Record


def open_journal(state_dir: Path | None) -> "Journal":
    """The history of changes; says so if it had to mend what a killed run left."""
    from hansa.core.files import user_state_dir
    from hansa.editor.journal import Journal

    journal = Journal(state_dir or user_state_dir())
    for record in journal.recover():
        say(f"a run was cut off while it made the change {record.what!r}; that is mended")
    return journal


def agreed(what: str) -> bool:
    """Ask whether to make a change; without anybody to ask the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"{what} is unchanged: nobody to ask; make the change with --yes")
        return False
    if click.confirm("make this change?", default=False, err=True):
        return True
    say(f"{what} is unchanged")
    return False


def write(journal: "Journal", what: str, root: Path, changes: "Sequence[Change]") -> "Record":
    record = journal.write(what, root, changes)
    names = ", ".join(str(each.path) for each in changes[:5])
    more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
    say(f"changed {names}{more}; `hansa undo` takes it back")
    return record
