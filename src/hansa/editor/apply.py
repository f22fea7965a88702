"""Shows a change as a diff and writes it whole, or not at all."""

import difflib

from hansa.core.errors import UserError
from hansa.core.files import write_atomic
from hansa.editor.document import Source, read_source

NO_END = "\\ No newline at end of file\n"


def unified_diff(name: str, old: str, new: str) -> str:
    """A diff that `git apply` and `patch` take; empty if nothing differs."""
    lines = difflib.unified_diff(_lines(old), _lines(new), fromfile=f"a/{name}", tofile=f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_END}" for line in lines)


def apply(source: Source, new_text: str) -> None:
    """Replace the file `source` was read from.

    Raises:
        UserError: the file has changed since it was read.
        StorageError: the disk refused; the file is as it was.
    """
    now = read_source(source.path)
    if now.sha256 != source.sha256:
        raise UserError(
            f"{source.path} has changed since it was read; nothing was written",
            hint="run the command again",
        )
    write_atomic(source.path, new_text.encode())


def _lines(text: str) -> list[str]:
    """Lines as a diff counts them: only LF ends one."""
    lines = [f"{each}\n" for each in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
