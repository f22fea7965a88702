"""Search/replace blocks, the form models write most reliably.

    shop.py
    <<<<<<< SEARCH
    old lines
    =======
    new lines
    >>>>>>> REPLACE

The line above a block names its file; one without stands for the file of the block before.
"""

import re

from hansa.core.errors import UserError
from hansa.editor.patch.shapes import FilePatch, Hunk

_SEARCH = re.compile(r"<{5,9} SEARCH\s*")
_DIVIDER = re.compile(r"={7}\s*")
_REPLACE = re.compile(r">{5,9} REPLACE\s*")
_NAME = re.compile(r"[#*`\s]*([^\s`*:][^`*:]*?)[`*:\s]*")

NAME_CHARS_MAX = 300


def has_blocks(text: str) -> bool:
    """Whether a block begins or ends; one that was cut off is no whole file."""
    return any(_SEARCH.fullmatch(line) or _REPLACE.fullmatch(line) for line in text.split("\n"))


def read_blocks(text: str) -> list[FilePatch]:
    """Read blocks; those of one file together, in the order they come.

    Raises:
        UserError: a block that does not end, or whose halves cannot be told apart.
    """
    lines = text.split("\n")
    found: dict[str | None, list[Hunk]] = {}
    path: str | None = None
    at = behind = 0
    while at < len(lines):
        if _SEARCH.fullmatch(lines[at]):
            path = _name_above(lines[behind:at]) or path
            divider, end = _ends(lines, at)
            hunks = found.setdefault(path, [])
            old, new = lines[at + 1 : divider], lines[divider + 1 : end]
            hunks.append(Hunk(len(hunks) + 1, tuple(old), tuple(new)))
            at = behind = end + 1
        else:
            at += 1
    if not found:
        raise UserError("the patch has no search/replace block")
    return [FilePatch(name, tuple(hunks), creates=_creates(hunks)) for name, hunks in found.items()]


def _ends(lines: list[str], at: int) -> tuple[int, int]:
    """Where the divider and the end of the block at `at` stand."""
    end = at + 1
    while end < len(lines) and not _REPLACE.fullmatch(lines[end]):
        if _SEARCH.fullmatch(lines[end]):
            break
        end += 1
    if end == len(lines) or not _REPLACE.fullmatch(lines[end]):
        raise UserError(f"line {at + 1} of the patch begins a block that does not end",
                        hint="end it with >>>>>>> REPLACE")  # fmt: skip
    dividers = [n for n in range(at + 1, end) if _DIVIDER.fullmatch(lines[n])]
    if len(dividers) != 1:
        raise UserError(f"the block in line {at + 1} of the patch has {len(dividers)} lines of "
                        "=======; one has to part it",
                        hint="send a unified diff instead")  # fmt: skip
    return dividers[0], end


def _name_above(lines: list[str]) -> str | None:
    """The file that the nearest line of text names, unless it is a sentence."""
    for line in reversed(lines):
        if not line.strip() or line.lstrip().startswith("```"):
            continue
        match = _NAME.fullmatch(line)
        name = match[1].strip() if match else ""
        looks = "." in name or "/" in name or not re.search(r"\s", name)
        return name if name and looks and " " not in name and len(name) <= NAME_CHARS_MAX else None
    return None


def _creates(hunks: list[Hunk]) -> bool:
    return len(hunks) == 1 and not hunks[0].old
