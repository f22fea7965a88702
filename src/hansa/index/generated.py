"""Files that programs write for programs: nobody searches them, and they bury what people wrote."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

HEAD_BYTES = 2048
"""Where a file that is generated says so."""

MINIFIED_CHARS_A_LINE = 500
"""On average; people and their formatters stay far below."""

MINIFIED_BYTES_MIN = 4096

_NAMES = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
    "poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock", "cargo.lock", "go.sum", "gemfile.lock",
    "composer.lock", "packages.lock.json", "flake.lock", "mix.lock", "pubspec.lock",
    "podfile.lock", "package.resolved", "requirements*.lock", "*.min.js", "*.min.mjs", "*.min.css",
    "*.js.map", "*.css.map", "*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*.pb.go", "*.pb.cc",
    "*.pb.h", "*.snap",
)  # fmt: skip

_SAYS_SO = re.compile(
    rb"^\W{0,8}(?:"
    rb"Code generated .{0,200}DO NOT EDIT"
    rb"|.{0,80}@generated\b"
    rb"|.{0,120}(?:auto-?generated|automatically generated|generated automatically"
    rb"|is a generated file)"
    rb".{0,200}(?:do not|don't|not be) (?:edit|modify|change|be edited|be modified)"
    rb"|This file (?:is|was) (?:auto-?generated|automatically generated|generated)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(rb"^\s*(?:#|//|/\*|\*|--|<!--|;|\"\"\"|\'\'\')")
"""Only a comment says it of its own file; code that writes such a comment is written by hand."""

_SQUEEZED = frozenset({".js", ".mjs", ".cjs", ".css", ".html", ".svg", ".json"})


def named_generated(name: str) -> bool:
    """Whether a file of this name is written by a program by custom, such as a lock file."""
    lower = name.lower()
    return any(fnmatchcase(lower, each) for each in _NAMES)


def says_generated(path: str, data: bytes) -> bool:
    """Whether a file says in its first comments that it is generated, or is minified."""
    if any(_SAYS_SO.search(line) for line in _first_comments(data[:HEAD_BYTES])):
        return True
    squeezed = PurePosixPath(path).suffix.lower() in _SQUEEZED and len(data) > MINIFIED_BYTES_MIN
    return squeezed and len(data) > MINIFIED_CHARS_A_LINE * (data.count(b"\n") + 1)


def _first_comments(head: bytes) -> Iterator[bytes]:
    """The lines before a file's own text begins."""
    inside = False
    for line in head.split(b"\n"):
        if line.strip() and not inside and not _COMMENT.match(line):
            return
        yield line
        opened, closed = line.rfind(b"/*"), line.rfind(b"*/")
        inside = opened > closed or (inside and closed < 0)
