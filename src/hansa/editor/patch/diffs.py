"""Unified diffs: those of git, diff and difflib, and those that models write with wrong counts."""

import re
from dataclasses import dataclass, field

from hansa.core.errors import UserError
from hansa.editor.patch.shapes import FilePatch, Hunk

_HUNK = re.compile(r"@@(?: -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*| .*@@.*|\s*)")
_STARTS = re.compile(r"^--- [^\n]*\n\+\+\+ [^\n]*\n@@|^@@ -\d+(?:,\d+)? \+\d", re.MULTILINE)
_REFUSED = {
    "rename ": "renames a file", "copy ": "copies a file", "old mode ": "changes a file's mode",
    "GIT binary patch": "holds binary data", "Binary files ": "holds binary data",
    "similarity index ": "renames a file",
}  # fmt: skip
_ESCAPE = re.compile(r'\\([0-7]{3}|[abtnvfr"\\])')
_ESCAPED = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
NOWHERE = "/dev/null"


def has_hunks(text: str) -> bool:
    return bool(_STARTS.search(text.replace("\r\n", "\n")))


def read_diff(text: str) -> list[FilePatch]:
    """Read a unified diff of one or more files.

    Raises:
        UserError: a line that is no part of a diff, or what it asks for cannot be done here.
    """
    lines = text.split("\n")
    while lines and not lines[-1].rstrip("\r"):
        lines.pop()
    reader = _Reader(lines)
    reader.read()
    if not reader.files:
        raise UserError("the patch has no hunk", hint="a hunk begins with @@")
    twice = [each.path for each in reader.files]
    if len(set(twice)) < len(twice):
        name = next(each for each in twice if twice.count(each) > 1)
        raise UserError(f"the patch changes {name} twice", hint="put its hunks together")
    return reader.files


@dataclass(slots=True)
class _Body:
    """The lines of a hunk, as they are read."""

    old: list[str] = field(default_factory=list[str])
    new: list[str] = field(default_factory=list[str])
    old_ends: bool = True
    new_ends: bool = True
    last: str = ""

    def add(self, mark: str, line: str) -> None:
        if mark == "\\":
            self.old_ends &= self.last == "+"
            self.new_ends &= self.last == "-"
            return
        if mark in " -":
            self.old.append(line)
        if mark in " +":
            self.new.append(line)
        self.last = mark

    def hunk(self, number: int, line: int | None) -> Hunk:
        said = not (self.old_ends and self.new_ends)
        return Hunk(number, tuple(self.old), tuple(self.new), line,
                    self.old_ends if said else None, self.new_ends if said else None)  # fmt: skip


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self.files: list[FilePatch] = []

    def read(self) -> None:
        executable = False
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r")
            for start, what in _REFUSED.items():
                if line.startswith(start):
                    raise self._wrong(f"{what}, which a patch cannot do here")
            if line.startswith("new file mode "):
                executable = line.endswith("755")
            if line.startswith("diff --git "):
                self._check_hunks(line)
            if self._is_header(self._at):
                old, new = (_name(each) for each in self._lines[self._at : self._at + 2])
                self._at += 2
                self._file(old, new, executable)
                executable = False
            elif line.startswith("@@"):
                if self.files or not _HUNK.fullmatch(line):
                    raise self._wrong("begins a hunk of no file")
                self._file(None, None, False)
            else:
                self._at += 1

    def _check_hunks(self, line: str) -> None:
        """Git says nothing more of an empty file that comes or goes; that is not done here."""
        for at in range(self._at + 1, len(self._lines)):
            if self._lines[at].startswith("@@"):
                return
            if self._lines[at].startswith("diff --git "):
                break
        name = line.rpartition(" b/")[2]
        raise self._wrong(f"changes {name} without a hunk, which a patch cannot do here")

    def _file(self, old: str | None, new: str | None, executable: bool) -> None:
        hunks: list[Hunk] = []
        while self._at < len(self._lines) and (
            match := _HUNK.fullmatch(self._lines[self._at].rstrip("\r"))
        ):
            self._at += 1
            hunks.append(self._hunk(match, len(hunks) + 1))
        path = old if new == NOWHERE else new
        self.files.append(
            FilePatch(path, tuple(hunks), None, old == NOWHERE, new == NOWHERE, executable)
        )

    def _hunk(self, match: re.Match[str], number: int) -> Hunk:
        line = int(match[1]) if match[1] else None
        begin = self._at
        body = self._counted(int(match[2] or 1), int(match[4] or 1)) if match[1] else None
        if body is None:
            self._at = begin
            body = self._uncounted()
        if body.old == body.new and body.old_ends == body.new_ends:
            raise UserError(f"hunk {number} in line {begin} of the patch changes nothing")
        return body.hunk(number, line)

    def _counted(self, old: int, new: int) -> _Body | None:
        """The lines that the hunk's head counts; None if the count is wrong."""
        body = _Body()
        while len(body.old) < old or len(body.new) < new:
            if self._at == len(self._lines) or not self._take(body):
                return None
        if self._at < len(self._lines) and self._lines[self._at].startswith("\\"):
            self._take(body)
        right = len(body.old) == old and len(body.new) == new
        return body if right and (self._is_end() or self._is_signature()) else None

    def _uncounted(self) -> _Body:
        body = _Body()
        while not self._is_end():
            if not self._take(body):
                raise self._wrong("is no line of a hunk: it begins with none of ' ', '+', '-'")
        return body

    def _take(self, body: _Body) -> bool:
        line = self._lines[self._at]
        mark = line[:1] if line.rstrip("\r") else " "
        if mark not in " +-\\":
            return False
        body.add(mark, line[1:] if line.rstrip("\r") else line)
        self._at += 1
        return True

    def _is_end(self) -> bool:
        if self._at >= len(self._lines):
            return True
        line = self._lines[self._at].rstrip("\r")
        after = ("diff ", "Index: ", "index ", "From ", "=====")
        return line.startswith(("@@", *after)) or self._is_header(self._at)

    def _is_signature(self) -> bool:
        """`-- ` ends a mail; only where the count is right is it no line that goes."""
        return self._lines[self._at].rstrip("\r") in {"-- ", "--"}

    def _is_header(self, at: int) -> bool:
        starts = ("--- ", "+++ ", "@@")
        found = self._lines[at : at + 3]
        return len(found) == 3 and all(map(str.startswith, found, starts))

    def _wrong(self, what: str) -> UserError:
        return UserError(f"line {self._at + 1} of the patch {what}")


def _name(line: str) -> str:
    """The path of a `---` or `+++` line, without git's `a/` and without a time."""
    name = line[4:].rstrip("\r").partition("\t")[0].rstrip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = _unquoted(name[1:-1])
    return name if name == NOWHERE else re.sub(r"^[ab]/", "", name)


def _unquoted(name: str) -> str:
    """Git writes bytes outside ASCII as three octal digits."""
    data = bytearray()
    end = 0
    for match in _ESCAPE.finditer(name):
        data += name[end : match.start()].encode()
        data.append(int(match[1], 8) & 255 if len(match[1]) == 3 else _ESCAPED[match[1]])
        end = match.end()
    return (bytes(data) + name[end:].encode()).decode(errors="replace")
