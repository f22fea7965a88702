"""Which names of a person's code may be told to others: those that everybody's code has.

A name of a library is kept only if it is public and enough developers use it in enough files
(k-anonymity with minimum counts); who counts is the member, at home.
"""

import builtins
import functools
import importlib
import keyword
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hansa.index.languages import parse

DEVELOPERS_MIN = 3
FILES_MIN = 5

_TYPES = (str, bytes, int, float, complex, list, dict, set, frozenset, tuple, object)
_CONVENTIONS = ("self", "cls", "args", "kwargs")
_LIBRARY = (
    "abc", "argparse", "ast", "asyncio", "base64", "bisect", "collections", "collections.abc",
    "concurrent.futures", "configparser", "contextlib", "copy", "csv", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "glob", "gzip", "hashlib", "heapq", "hmac", "html",
    "http", "importlib", "inspect", "io", "itertools", "json", "logging", "math", "multiprocessing",
    "operator", "os", "os.path", "pathlib", "pickle", "platform", "queue", "random", "re",
    "secrets", "shlex", "shutil", "signal", "socket", "sqlite3", "statistics", "string", "struct",
    "subprocess", "sys", "tempfile", "textwrap", "threading", "time", "traceback", "types",
    "typing", "unittest", "urllib.parse", "uuid", "warnings", "weakref", "zipfile", "zlib",
)  # fmt: skip
"""Modules of the standard library whose names are public; a list, so that it is the same anywhere
with one version of Python."""


@functools.cache
def base_names() -> frozenset[str]:
    """What the language itself brings: always kept. One letter tells nothing, so it is too."""
    own = {each for kind in _TYPES for each in dir(kind)}
    return frozenset({
        *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *own, *_CONVENTIONS,
        *string.ascii_letters, "_", "__name__", "__main__", "__file__", "__all__",
    })  # fmt: skip


@functools.cache
def library_names() -> frozenset[str]:
    """Public names of common modules of the standard library, and of their classes."""
    return frozenset(name for module in _LIBRARY for name in _names_in(module))


@dataclass(slots=True)
class Census:
    """Who uses which name where, counted at the member; holds names in the clear, so it stays."""

    _developers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _files: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def count(self, developer: str, file: str, text: str) -> None:
        """Take in one file of one developer; Python only."""
        for name in set(identifiers(text)):
            self._developers.setdefault(name, set()).add(developer)
            self._files.setdefault(name, set()).add(f"{developer} {file}")

    def kept(
        self,
        public: Iterable[str] | None = None,
        *,
        developers_min: int = DEVELOPERS_MIN,
        files_min: int = FILES_MIN,
    ) -> frozenset[str]:
        """The names that may be told: of the language, or public and of enough users.

        Raises:
            ValueError: a minimum is below 1.
        """
        if developers_min < 1 or files_min < 1:
            raise ValueError("a name needs at least one developer and one file")
        wanted = library_names() if public is None else public
        return base_names() | {
            name
            for name in wanted
            if len(self._developers.get(name, ())) >= developers_min
            and len(self._files.get(name, ())) >= files_min
        }


def identifiers(text: str) -> Iterator[str]:
    """Every identifier of a Python text, in order, with repetition."""
    try:
        cursor = parse("python", text.encode()).walk()
    except UnicodeEncodeError:
        return
    while True:
        node = cursor.node
        if node is not None and node.type == "identifier" and node.text:
            yield node.text.decode()
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            return


def _names_in(module: str) -> Iterator[str]:
    yield from module.split(".")
    loaded = importlib.import_module(module)
    for name in dir(loaded):
        if name.startswith("_"):
            continue
        yield name
        value: object = getattr(loaded, name)
        if isinstance(value, type):
            yield from (each for each in dir(value) if not each.startswith("_"))
