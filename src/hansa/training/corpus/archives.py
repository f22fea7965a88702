"""Wheels and sdists, read without unpacking them to disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath

from hansa.core.errors import UserError
from hansa.training.corpus import licences
from hansa.training.corpus.entries import FILES_MAX, TEXT_BYTES_MAX, Entry, licence_name

UNPACKED_BYTES_MAX = 4 * 1024**3
"""Of one archive: what is behind is not read."""
LICENCES_MAX = 32

_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIPS = (".whl", ".zip")
BROKEN = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError,
           NotImplementedError)  # fmt: skip
"""What reading an archive can raise."""


@dataclass(frozen=True, slots=True)
class Archive:
    kind: str
    metadata: Message
    licence_texts: list[str]


def is_archive(path: Path) -> bool:
    """Whether a file is a wheel, a zip or an sdist by its name."""
    return path.name.lower().endswith(_TARS + _ZIPS) and path.is_file()


def inspect(path: Path) -> Archive:
    """An archive's metadata and the texts of its licences.

    Raises:
        UserError: it is not an archive, or broken.
    """
    if not is_archive(path):
        raise UserError(f"{path} is no wheel or sdist", hint=f"one of {' '.join(_TARS + _ZIPS)}")
    metadata, texts = Message(), list[str]()
    for entry in entries(path):
        place = PurePosixPath(entry.path)
        if entry.size > TEXT_BYTES_MAX:
            continue
        if _holds_metadata(place) and not metadata.keys():
            metadata = message_from_bytes(entry.read())
        elif licence_name(place.name) and _of_the_whole(place) and len(texts) < LICENCES_MAX:
            texts.append(entry.read()[: licences.TEXT_CHARS].decode("utf-8", "replace"))
    return Archive("wheel" if path.suffix == ".whl" else "sdist", metadata, texts)


def entries(path: Path) -> Iterator[Entry]:
    """The regular files of an archive in its own order, names that lead out of it left out.

    Raises:
        UserError: it is broken; what was given before that stands.
    """
    try:
        yield from _in_zip(path) if path.name.lower().endswith(_ZIPS) else _in_tar(path)
    except BROKEN as error:
        raise UserError(
            f"{path} is damaged: {error}", hint="fetch it again, or leave it out"
        ) from error


def _in_zip(path: Path) -> Iterator[Entry]:
    unpacked = 0
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist()[:FILES_MAX]:
            unpacked += info.file_size
            if unpacked > UNPACKED_BYTES_MAX:
                return
            if not info.is_dir() and _safe(info.filename):
                yield Entry(info.filename, info.file_size, lambda info=info: archive.read(info))


def _in_tar(path: Path) -> Iterator[Entry]:
    unpacked = count = 0
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            unpacked, count = unpacked + member.size, count + 1
            if unpacked > UNPACKED_BYTES_MAX or count > FILES_MAX:
                return
            if member.isreg() and _safe(member.name):
                yield Entry(member.name, member.size,
                            lambda member=member: _read(archive, member))  # fmt: skip
            archive.members = []  # type: ignore[attr-defined]  else it keeps every member


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def _safe(name: str) -> bool:
    place = PurePosixPath(name)
    return not place.is_absolute() and ".." not in place.parts and "\0" not in name


def _holds_metadata(place: PurePosixPath) -> bool:
    if len(place.parts) != 2:
        return False
    return place.name == "PKG-INFO" or (
        place.name == "METADATA" and place.parts[0].endswith(".dist-info")
    )


def _of_the_whole(place: PurePosixPath) -> bool:
    """Whether a licence is the package's own, not that of a part."""
    return len(place.parts) == 2 or ".dist-info" in place.parts[0]
