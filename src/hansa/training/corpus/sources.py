"""Where code comes from: installed packages, wheels and sdists, a source tree, CPython's library.

Each gives its files one by one in an order that never changes, so that a run can go on in it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path

from hansa.core.errors import UserError
from hansa.index.walk import CLOSED_FOLDERS
from hansa.training.corpus import archives, licences
from hansa.training.corpus.entries import FILES_MAX, Entry, licence_name

SITE_METADATA = "*.dist-info"
DEPTH_MAX = 48
_OF_OTHERS = frozenset({"site-packages", "dist-packages"})
LIBRARY_SIGNS = ("os.py", "abc.py", "asyncio", "importlib", "unittest")
"""What is in CPython's Lib folder, and in hardly any other."""


@dataclass(frozen=True, slots=True)
class Source:
    """One package, tree or library; `entries` may be called again and gives the same."""

    name: str
    version: str
    kind: str
    """`installed`, `wheel`, `sdist`, `tree` or `library`."""
    licence: str
    """As SPDX, or `unknown`."""
    evidence: str
    """What told the licence: `metadata`, `text` or `interpreter`."""
    entries: Callable[[], Iterator[Entry]]

    @property
    def root_parts(self) -> int:
        """How many parts the path of a file has whose licence is the whole source's."""
        return {"installed": 0, "wheel": 0, "sdist": 2}.get(self.kind, 1)

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}".strip()


def open_sources(places: list[Path]) -> list[Source]:
    """What is in folders and archives, in the order named, each sorted by name.

    Raises:
        UserError: a place is not there or nothing is known of it.
    """
    found: list[Source] = []
    for place in places:
        here = list(_in(place))
        if not here:
            raise UserError(
                f"nothing to read in {place}",
                hint="name a site-packages folder, a folder of wheels and sdists, an archive, "
                "or a source tree with its LICENSE",
            )
        found += here
    return found


def _in(place: Path) -> Iterator[Source]:
    if place.is_file():
        yield _archive(place)
    elif not place.is_dir():
        raise UserError(f"{place} is not there")
    elif infos := sorted(place.glob(SITE_METADATA)):
        yield from (_installed(place, info) for info in infos)
    elif all((place / sign).exists() for sign in LIBRARY_SIGNS):
        yield Source("cpython", _library_version(place), "library", "PSF-2.0", "interpreter",
                     lambda: _walk(place, _OF_OTHERS))  # fmt: skip
    else:
        packed = _archives_of_a_folder(place)
        yield from map(_archive, packed) if packed else [_tree(place)]


def _archives_of_a_folder(place: Path) -> list[Path]:
    """Wheels and sdists in a folder; none in a tree with a licence, whose archives are its own."""
    inside = sorted(place.iterdir())
    if any(licence_name(each.name) for each in inside):
        return []
    return [each for each in inside if archives.is_archive(each)]


def _installed(site: Path, info: Path) -> Source:
    distribution = Distribution.at(info)
    texts = (
        _read_text(each)
        for each in sorted(info.rglob("*"))
        if each.is_file() and licence_name(each.name)
    )
    licence, evidence = _licence(distribution.metadata, texts)  # type: ignore[arg-type]  a Message
    return Source(
        distribution.metadata["Name"] or info.name,
        distribution.metadata["Version"] or "",
        "installed",
        licence,
        evidence,
        lambda: _recorded(site, distribution),
    )


def _recorded(site: Path, distribution: Distribution) -> Iterator[Entry]:
    """Files by RECORD, those inside the site folder only."""
    names = sorted({str(each) for each in distribution.files or []})
    for name in names[:FILES_MAX]:
        path = site / name
        if ".." in Path(name).parts or Path(name).is_absolute() or name.endswith(".pyc"):
            continue
        if path.is_file() and not path.is_symlink():
            yield Entry(name, path.stat().st_size, _reader(path))


def _archive(path: Path) -> Source:
    opened = archives.inspect(path)
    licence, evidence = _licence(opened.metadata, opened.licence_texts)
    return Source(
        opened.metadata["Name"] or path.name,
        opened.metadata["Version"] or "",
        opened.kind,
        licence,
        evidence,
        lambda: archives.entries(path),
    )


def _tree(root: Path) -> Source:
    texts = [_read_text(each) for each in sorted(root.iterdir())
             if each.is_file() and licence_name(each.name)]  # fmt: skip
    known = [licences.of_text(text) for text in texts]
    licence = known[0] if len(set(known)) == 1 else licences.UNKNOWN
    return Source(root.resolve().name, "", "tree", licence, "text",
                  lambda: _walk(root, frozenset()))  # fmt: skip


def _licence(metadata: Message, texts: Iterable[str]) -> tuple[str, str]:
    """By metadata, else by its texts; unknown where a text clearly has other terms."""
    read = list(texts)
    if any(map(licences.asks_more, read)):
        return licences.UNKNOWN, "text"
    if stated := licences.of_metadata(metadata):
        return stated, "metadata"
    told = {licences.of_text(text) for text in [*read, str(metadata["License"] or "")] if text}
    return (told.pop(), "text") if len(told) == 1 else (licences.UNKNOWN, "text")


def _walk(root: Path, closed: frozenset[str]) -> Iterator[Entry]:
    """Every regular file below `root`, folder by folder in the order of their names."""
    waiting, count = [("", 0)], 0
    while waiting:
        folder, depth = waiting.pop()
        below: list[tuple[str, int]] = []
        for found in sorted(os.scandir(root / folder), key=lambda each: each.name):
            path = f"{folder}{found.name}"
            if found.is_symlink():
                continue
            if found.is_dir():
                if found.name not in CLOSED_FOLDERS | closed and depth < DEPTH_MAX:
                    below.append((f"{path}/", depth + 1))
            elif found.is_file() and count < FILES_MAX:
                count += 1
                yield Entry(path, found.stat().st_size, _reader(root / path))
        waiting += reversed(below)


def _reader(path: Path) -> Callable[[], bytes]:
    return path.read_bytes


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(licences.TEXT_CHARS).decode("utf-8", "replace")


def _library_version(place: Path) -> str:
    return place.name.removeprefix("python")
