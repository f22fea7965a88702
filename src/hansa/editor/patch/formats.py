"""Which form a patch has, and reading it in that form."""

import re
from collections.abc import Callable
from typing import Literal

from hansa.core.errors import UserError
from hansa.editor.patch.blocks import has_blocks, read_blocks
from hansa.editor.patch.diffs import has_hunks, read_diff
from hansa.editor.patch.shapes import FilePatch

Format = Literal["blocks", "diff", "whole"]
FORMATS: dict[str, Format] = {"blocks": "blocks", "diff": "diff", "whole": "whole"}

PATCH_CHARS_MAX = 8_000_000

_FENCED = re.compile(r"\s*```[^\n`]*\n(.*\n)```\s*", re.DOTALL)


def read_patch(text: str, form: Format | None = None) -> list[FilePatch]:
    """Read a patch; its form is told from its marks unless it is given.

    A text without marks is the whole new file. One pair of code fences around everything is
    taken off, as models put them there.

    Raises:
        UserError: it is empty, too large, or not well formed; says where.
    """
    if not 0 < len(text) <= PATCH_CHARS_MAX:
        raise UserError(f"the patch has {len(text):,} characters; it must have 1 to "
                        f"{PATCH_CHARS_MAX:,}")  # fmt: skip
    if form != "whole" and not text.strip():
        raise UserError("the patch is empty", hint="--format whole empties the file")
    form = form or form_of(text)
    readers: dict[Format, Callable[[str], list[FilePatch]]] = {
        "blocks": read_blocks, "diff": lambda each: read_diff(_bare(each)), "whole": _read_whole,
    }  # fmt: skip
    # A patch saved with CRLF throughout; one made from files with CRLF has heads without.
    if form != "whole" and text.count("\r\n") == text.count("\n"):
        text = text.replace("\r\n", "\n")
    return readers[form](text)


def form_of(text: str) -> Format:
    """The form a patch seems to have."""
    if has_blocks(text):
        return "blocks"
    return "diff" if has_hunks(text) else "whole"


def _read_whole(text: str) -> list[FilePatch]:
    return [FilePatch(None, whole=_bare(text))]


def _bare(text: str) -> str:
    match = _FENCED.fullmatch(text)
    return match[1] if match and "\n```" not in match[1] else text
