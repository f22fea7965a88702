"""Shows a change as a diff and writes it whole, or not at all."""

import difflib
from pathlib import Path

from hansa.editor.document import Source
from hansa.editor.journal import Change, Journal, Record

NO_END = "\\ No newline at end of file\n"


def unified_diff(name: str, old: str | None, new: str | None) -> str:
    """A diff that `git apply` and `patch` take; empty if nothing differs.

    None is the text of a file that is not there.
    """
    before, after = ("/dev/null" if each is None else f"{side}/{name}"
                     for side, each in (("a", old), ("b", new)))  # fmt: skip
    lines = difflib.unified_diff(_lines(old or ""), _lines(new or ""), before, after)
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_END}" for line in lines)


def apply(source: Source, new_text: str, journal: Journal, what: str) -> Record:
    """Replace the file `source` was read from; `what` names the change in its history.

    Raises:
        UserError: the file has changed since it was read.
        StorageError: the disk refused; the file is as it was.
    """
    change = Change(source.path, source.text.encode(), new_text.encode())
    return journal.write(what, Path(source.path.resolve().parent), [change])


def _lines(text: str) -> list[str]:
    """Lines as a diff counts them: only LF ends one."""
    lines = [f"{each}\n" for each in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
