"""What a patch says, whatever form it came in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines to find and what to put there; lines without their LF, a CR stays."""

    number: int
    """From 1, within its file."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None
    """Where `old` begins by the patch, from 1; None if it does not say."""
    old_ends: bool | None = None
    """Whether the old file's last line, which is the hunk's, has a newline; None if unsaid."""
    new_ends: bool | None = None


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What happens to one file."""

    path: str | None
    """As the patch writes it, with forward slashes; None if it names none."""
    hunks: tuple[Hunk, ...] = ()
    whole: str | None = None
    """The whole new text, if that is what came."""
    creates: bool = False
    deletes: bool = False
    executable: bool = False
    """Of a file that is created."""


def split_lines(text: str) -> tuple[list[str], bool]:
    """Lines as a diff counts them, only LF ends one; and whether the last one has its LF."""
    lines = text.split("\n")
    ends = not lines[-1]
    return (lines[:-1] if ends else lines), ends


def join_lines(lines: list[str], ends: bool) -> str:
    """The inverse of `split_lines`; no lines are an empty text."""
    return "\n".join(lines) + ("\n" if ends and lines else "")
