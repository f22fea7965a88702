"""The files of a repository that are worth reading, and why the others are not."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pathspec

from hansa.core.bounds import FILE_BYTES_MAX, LINE_CHARS_MAX
from hansa.core.errors import UserError

IGNORE_FILES = (".gitignore", ".hansaignore")
IGNORE_BYTES_MAX = 256 * 1024
FILES_MAX = 200_000
DEPTH_MAX = 64

_FOLDERS = frozenset({
    ".git", ".hg", ".svn", ".jj", ".venv", "venv", ".tox", ".nox", "node_modules", "__pycache__",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode", "target",
})  # fmt: skip
_SECRETS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".npmrc", ".pypirc",
    "credentials", "credentials.json", "secrets.*", "*.kdbx",
)  # fmt: skip
_HARMLESS = (".env.example", ".env.sample", ".env.template")


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
        waiting: list[tuple[str, tuple[_Rules, ...], int]] = [("", (), 0)]
        while waiting:
            folder, rules, depth = waiting.pop()
            rules = (*rules, *_rules_in(self.root, folder))
            for entry in _entries(self.root / folder, self.skipped):
                path = f"{folder}{entry.name}"
                if entry.is_symlink():
                    self.skipped["symbolic link"] += 1
                elif entry.is_dir():
                    skip = entry.name in _FOLDERS or _ignored(f"{path}/", rules)
                    if not skip and depth < DEPTH_MAX:
                        waiting.append((f"{path}/", rules, depth + 1))
                elif count >= FILES_MAX:
                    self.skipped[f"more than {FILES_MAX} files"] += 1
                elif file := self._file(entry, path, rules):
                    count += 1
                    yield file

    def read(self, file: File) -> bytes | None:
        """The text of a file; None, and counted, if it is not worth indexing."""
        try:
            with (self.root / file.path).open("rb") as opened:
                data = opened.read(FILE_BYTES_MAX + 1)
        except OSError:
            self.skipped["cannot be read"] += 1
            return None
        reason = unfit(data)
        if reason:
            self.skipped[reason] += 1
            return None
        return data

    def _file(self, entry: os.DirEntry[str], path: str, rules: "tuple[_Rules, ...]") -> File | None:
        if not entry.is_file():
            self.skipped["not a regular file"] += 1
        elif _secret(entry.name):
            self.skipped["may hold a secret"] += 1
        elif _ignored(path, rules):
            self.skipped["ignored"] += 1
        else:
            status = entry.stat()
            if status.st_size > FILE_BYTES_MAX:
                self.skipped["too large"] += 1
            elif status.st_size:
                return File(path, status.st_mtime_ns, status.st_size)
            else:
                self.skipped["empty"] += 1
        return None


def unfit(data: bytes) -> str:
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
    return "a line is too long" if max(map(len, text.split("\n"))) > LINE_CHARS_MAX else ""


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
    spec: pathspec.GitIgnoreSpec

    def verdict(self, path: str) -> bool | None:
        return self.spec.check_file(path.removeprefix(self.base)).include


def _rules_in(root: Path, folder: str) -> Iterator[_Rules]:
    for name in IGNORE_FILES:
        try:
            with (root / folder / name).open("rb") as file:
                lines = file.read(IGNORE_BYTES_MAX).decode(errors="replace").splitlines()
        except OSError:
            continue
        yield _Rules(folder, pathspec.GitIgnoreSpec.from_lines(lines))


def _ignored(path: str, rules: tuple[_Rules, ...]) -> bool:
    """The nearest ignore file that says anything decides, as git has it."""
    for each in reversed(rules):
        verdict = each.verdict(path)
        if verdict is not None:
            return verdict
    return False


def _secret(name: str) -> bool:
    lower = name.lower()
    return lower not in _HARMLESS and any(fnmatchcase(lower, each) for each in _SECRETS)


def _entries(folder: Path, skipped: Counter[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        skipped["folder cannot be read"] += 1
        return []
