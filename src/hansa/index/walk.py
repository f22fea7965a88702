"""The files of a repository that are worth reading, and why the others are not."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pathspec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from hansa.core.bounds import FILE_BYTES_MAX, LINE_CHARS_MAX
from hansa.core.errors import UserError
from hansa.index import credentials, generated

IGNORE_FILES = (".gitignore", ".hansaignore")
IGNORE_BYTES_MAX = 256 * 1024
FILES_MAX = 200_000
DEPTH_MAX = 64

CLOSED_FOLDERS = frozenset({
    ".git", ".hg", ".svn", ".jj", ".venv", "venv", ".tox", ".nox", "node_modules", "__pycache__",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode", "target",
    ".ssh", ".gnupg", ".aws",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    path: str
    """Relative to the repository, with forward slashes."""
    mtime_ns: int
    size: int


@dataclass(slots=True)
class Walk:
    """Iterate `files()`; `skipped` then counts what was left out, by reason."""

    root: Path
    skipped: Counter[str] = field(default_factory=Counter[str])

    def files(self) -> Iterator[File]:
        """Every candidate by its name and size; its text is judged when it is read."""
        count = 0
        waiting: list[tuple[str, tuple[_Rules, ...], int]] = [("", _rules_above(self.root), 0)]
        while waiting:
            folder, rules, depth = waiting.pop()
            rules = (*rules, *self._rules_in(folder))
            for entry in _entries(self.root / folder, self.skipped):
                path = f"{folder}{entry.name}"
                if not _encodes(path):
                    self.skipped["name is not UTF-8"] += 1
                elif entry.is_symlink():
                    self.skipped["symbolic link"] += 1
                elif entry.is_dir():
                    if entry.name in CLOSED_FOLDERS or _ignored(f"{path}/", rules):
                        continue
                    if depth < DEPTH_MAX:
                        waiting.append((f"{path}/", rules, depth + 1))
                    else:
                        self.skipped["folder too deep"] += 1
                elif count >= FILES_MAX:
                    self.skipped[f"more than {FILES_MAX} files"] += 1
                elif file := self._file(entry, path, rules):
                    count += 1
                    yield file

    def find(self, path: str) -> File | None:
        """One file as `files` gives it; None if it is not there, or is left out."""
        *folders, _ = path.split("/")
        rules, folder = (*_rules_above(self.root), *self._rules_in("")), ""
        for name in folders:
            folder = f"{folder}{name}/"
            if self._closed(self.root / folder, folder, rules):
                return None
            rules = (*rules, *self._rules_in(folder))
        entry = self.root / path
        return None if entry.is_symlink() else self._file(entry, path, rules)

    def read(self, file: File) -> tuple[bytes, str]:
        """The text of a file, and why it is not worth indexing, if it is not."""
        try:
            with (self.root / file.path).open("rb") as opened:
                data = opened.read(FILE_BYTES_MAX + 1)
        except OSError:
            return b"", "cannot be read"
        return data, unfit(data, file.path)

    def _rules_in(self, folder: str) -> "Iterator[_Rules]":
        return _rules_from(self.root / folder, IGNORE_FILES, folder, "")

    def _closed(self, entry: Path, folder: str, rules: "tuple[_Rules, ...]") -> bool:
        """Whether a folder is not entered."""
        return entry.name in CLOSED_FOLDERS or entry.is_symlink() or _ignored(folder, rules)

    def _file(
        self, entry: os.DirEntry[str] | Path, path: str, rules: "tuple[_Rules, ...]"
    ) -> File | None:
        if not entry.is_file():
            self.skipped["not a regular file"] += 1
        elif credentials.named_secret(entry.name):
            self.skipped["may hold a secret"] += 1
        elif generated.named_generated(entry.name):
            self.skipped["generated"] += 1
        elif _ignored(path, rules):
            self.skipped["ignored"] += 1
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:  # Gone since its folder was listed.
                return None
            if status.st_size > FILE_BYTES_MAX:
                self.skipped["too large"] += 1
            elif status.st_size:
                return File(path, status.st_mtime_ns, status.st_size)
            else:
                self.skipped["empty"] += 1
        return None


def unfit(data: bytes, path: str = "") -> str:
    """Why a file's bytes are not indexed; empty if they are."""
    if len(data) > FILE_BYTES_MAX:
        return "too large"
    if b"\x00" in data:
        return "binary"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    if not text.strip():
        return "empty"
    if credentials.holds_secret(data):
        return "may hold a secret"
    if max(map(len, text.split("\n"))) > LINE_CHARS_MAX:
        return "a line is too long"
    return "generated" if generated.says_generated(path, data) else ""


def check_root(root: Path) -> Path:
    """`root` made absolute. Raises UserError if it is no folder that can be read."""
    root = root.expanduser().resolve()
    if not root.is_dir():
        raise UserError(f"{root} is no folder", hint="name the folder of a repository")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"{root} cannot be read", hint="check its permissions")
    return root


@dataclass(frozen=True, slots=True)
class _Rules:
    """One ignore file; its patterns are relative to its own folder."""

    base: str
    """The ignore file's folder, below the root."""
    above: str
    """The root's own folder, below the ignore file's; one of the two is empty."""
    spec: pathspec.GitIgnoreSpec

    def verdict(self, path: str) -> bool | None:
        return self.spec.check_file(self.above + path.removeprefix(self.base)).include


def _rules_above(root: Path) -> "tuple[_Rules, ...]":
    """Rules of the repository around `root`; none if they would ignore `root` itself."""
    around = [root, *root.parents][:DEPTH_MAX]
    top = next((n for n, folder in enumerate(around) if (folder / ".git").exists()), 0)
    rules = list(_rules_from(around[top] / ".git" / "info", ("exclude",), "", _below(around, top)))
    for n in range(top, 0, -1):
        rules += _rules_from(around[n], IGNORE_FILES, "", _below(around, n))
    return () if top and _ignored("", tuple(rules)) else tuple(rules)


def _below(around: list[Path], n: int) -> str:
    return f"{around[0].relative_to(around[n]).as_posix()}/" if n else ""


def _rules_from(folder: Path, names: tuple[str, ...], base: str, above: str) -> "Iterator[_Rules]":
    for name in names:
        path = folder / name
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                lines = file.read(IGNORE_BYTES_MAX).decode(errors="replace").splitlines()
        except OSError:
            continue
        yield _Rules(base, above, pathspec.GitIgnoreSpec.from_lines(lines, _pattern))


def _pattern(line: str) -> GitIgnoreSpecPattern:
    try:
        return GitIgnoreSpecPattern(line)
    except (ValueError, re.error):
        # Git, too, takes a pattern it cannot read, such as `[z-a]`, for one that matches nothing.
        return GitIgnoreSpecPattern("")


def _ignored(path: str, rules: tuple[_Rules, ...]) -> bool:
    """The nearest ignore file that says anything decides, as git has it."""
    for each in reversed(rules):
        verdict = each.verdict(path)
        if verdict is not None:
            return verdict
    return False


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(folder: Path, skipped: Counter[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        skipped["folder cannot be read"] += 1
        return []
