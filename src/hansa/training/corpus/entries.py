"""A file of a source, and which files hold licences."""

import re
from collections.abc import Callable
from dataclasses import dataclass

FILES_MAX = 200_000
"""Files of one source that are looked at."""

TEXT_BYTES_MAX = 4 * 1024 * 1024
"""Metadata or a licence that is larger is not read."""

_LICENCE = re.compile(
    r"(?:LICEN[SC]E|COPYING|UNLICENSE)(?:[-_.][\w.-]*)?|[\w-]+[-_.]LICEN[SC]E(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)
_CODE = re.compile(r".*\.(?:py|pyi|js|ts|c|h|cpp|go|rs|java|json)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    """Relative to its source, with forward slashes."""
    size: int
    read: Callable[[], bytes]
    """Of an archive, valid until the next entry is asked for."""


def licence_name(name: str) -> bool:
    """Whether a file of this name holds a licence by custom."""
    return bool(_LICENCE.fullmatch(name)) and not _CODE.fullmatch(name)
