"""Renames that need no model: every identifier of one name, outside strings."""

import re

from hansa.core.errors import UserError

_INSTRUCTION = re.compile(
    r"rename\s+(?:the\s+)?(?:(?:function|method|class|variable|parameter|argument|constant)\s+)?"
    r"[`'\"]?([^\W\d]\w*)[`'\"]?\s+(?:to|into|as|->)\s+[`'\"]?([^\W\d]\w*)[`'\"]?\s*\.?",
    re.IGNORECASE,
)
_STRING = re.compile(
    r"(?P<string>[A-Za-z]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`))|(?P<word>[^\W\d]\w*)",
    re.DOTALL,
)


def read_rename(instruction: str) -> tuple[str, str] | None:
    """The old and the new name, if a rename is all that is asked for."""
    match = _INSTRUCTION.fullmatch(instruction.strip())
    return (match[1], match[2]) if match else None


def rename(code: str, old: str, new: str) -> str:
    """`code` with each identifier `old` called `new`.

    Raises:
        UserError: `old` is not there, or `new` is there already and both would become one.
    """
    words = {match["word"] for match in _STRING.finditer(code) if match["word"]}
    if old not in words:
        raise UserError(f"there is no {old} to rename")
    if new in words:
        raise UserError(
            f"{new} is a name there already; both would become one", hint="choose another name"
        )
    return _STRING.sub(lambda match: new if match["word"] == old else match[0], code)
