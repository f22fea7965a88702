"""What the console's page Playground asks of its node. Texts have LF line endings.

`POST /hansa/v1/playground/complete` and `/hansa/v1/playground/next`; docs/editors.md.
"""

from typing import Annotated

import msgspec

TEXT_CHARS_MAX = 64 * 1024
"""Longest text of the page; it is parsed beside other people's requests."""

PATH_CHARS_MAX = 512
NAME_CHARS_MAX = 64

Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
Path = Annotated[str, msgspec.Meta(min_length=1, max_length=PATH_CHARS_MAX)]
Name = Annotated[str, msgspec.Meta(max_length=NAME_CHARS_MAX)]


class CompleteAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Path
    """Its ending says which language it is."""
    text: Text
    cursor: Annotated[int, msgspec.Meta(ge=0)]
    """Offset in characters (code points), not in UTF-16 units."""
    invoked: bool = False
    """Somebody asked for it: no pause is waited for, an unsure suggestion is shown too."""
    page: Name = ""
    """Which of the caller's pages asks; a later request of the same one gives up the earlier."""
    rejected: Name = ""
    """Id of a suggestion that was dismissed since; it is not shown again."""


class Suggested(msgspec.Struct, frozen=True):
    text: str = ""
    """To insert at the cursor; empty if nothing is to be shown."""
    latency_ms: float = 0.0
    """From asking the model to having its answer; 0 from the cache."""
    confidence: float = 0.0
    """0 to 1."""
    route: str = ""
    """`member/replica` that served; empty from the cache."""
    cached: bool = False
    """It is what is left of an earlier one that was typed into."""
    id: str = ""
    more: bool = False
    """The model has not ended; who asks again for the same place gets the whole."""


class NextAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Path
    before: Text
    """As it was before the edits made just now."""
    now: Text
    line: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Edits nearest to it come first."""


class LineEdit(msgspec.Struct, frozen=True):
    """A line to replace."""

    line: int
    """1-based, of `now`."""
    old: str
    new: str
    kind: str
    """`rename`, `argument` or `repeat`."""
    why: str


class NextEdits(msgspec.Struct, frozen=True):
    edits: tuple[LineEdit, ...] = ()
