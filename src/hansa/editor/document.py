"""Files and places in them, as a developer names them."""

import re
from dataclasses import dataclass
from pathlib import Path

from hansa.core.bounds import FILE_BYTES_MAX
from hansa.core.digests import sha256_hex
from hansa.core.errors import NotFound, UserError

_POSITION = re.compile(r"(?P<path>.+):(?P<line>\d{1,9}):(?P<column>\d{1,9})")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")
_WITH_LINES = re.compile(r".+:(?P<lines>\d{1,9}-\d{1,9})")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read; line endings as they are in it."""

    path: Path
    text: str
    sha256: str

    @property
    def newline(self) -> str:
        """The line ending of its first line."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    @property
    def lf_text(self) -> str:
        return self.text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Position:
    """A place as it is written, FILE:LINE:COL; both numbers count from 1, columns in characters."""

    path: Path
    line: int
    column: int


def read_source(path: Path) -> Source:
    """Read a text file that is small enough to be edited.

    Raises:
        UserError: it is missing, a folder, too large, binary, or not UTF-8.
    """
    data = _read_bounded(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}",
            hint="convert it to UTF-8",
        ) from error
    if "\0" in text:
        raise UserError(f"{path} is no text file: byte {data.index(0)} is zero")
    return Source(path, text, sha256_hex(data))


def parse_position(text: str) -> Position:
    """Read FILE:LINE:COL."""
    match = _POSITION.fullmatch(text)
    if not match:
        raise UserError(f"{text!r} is no position", hint="write FILE:LINE:COL, like app.py:12:5")
    return Position(Path(match["path"]), int(match["line"]), int(match["column"]))


def parse_range(text: str) -> tuple[int, int]:
    """Read A-B, lines counted from 1, both included."""
    match = _RANGE.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"{text!r} is no range of lines", hint="write A-B, like 10-25")
    return int(match[1]), int(match[2])


def offset_of(name: str, text: str, line: int, column: int) -> int:
    """The character offset of a place in `text`, whose line endings are LF.

    Raises:
        UserError: the place is outside the text.
    """
    lines = text.split("\n")
    count = line_count(text)
    if not 1 <= line <= len(lines):
        raise UserError(f"{name} has {count} lines; line {line} is outside")
    length = len(lines[line - 1])
    if not 1 <= column <= length + 1:
        raise UserError(
            f"line {line} of {name} has {length} characters; column {column} is outside",
            hint=f"columns count from 1; {length + 1} is behind the last character",
        )
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1


def line_count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and bool(text))


def _read_bounded(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is no regular file", hint="name a file")
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        named = _WITH_LINES.fullmatch(str(path))
        hint = f"lines are named by --lines {named['lines']}" if named else ""
        raise NotFound(f"there is no file {path}", hint=hint) from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > FILE_BYTES_MAX:
        raise UserError(f"{path} is larger than {FILE_BYTES_MAX:,} bytes, too large to edit")
    return data
