"""A file that is on its way from the Hub: kept under its digest, so that it can go on later."""

import contextlib
import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath

from hansa.core.errors import IntegrityError
from hansa.core.files import storage_error
from hansa.models.fetching import READ_BYTES


@dataclass(frozen=True, slots=True)
class Remote:
    """A file of a repository, as the Hub's listing names it."""

    name: str
    bytes: int
    sha256: str = ""
    """Of a large file, which the Hub keeps outside git."""
    git_blob: str = ""
    """Of a small file, which it keeps in git."""

    def __post_init__(self) -> None:
        """Raises ValueError if a name or digest could lead out of its folder."""
        path = PurePosixPath(self.name)
        unsafe = path.is_absolute() or not path.parts or {"..", "."} & set(self.name.split("/"))
        if unsafe or "\\" in self.name or "\0" in self.name:
            raise ValueError(f"{self.name[:64]!r} is no name of a file")
        if not (_is_hex(self.sha256, 64) or (not self.sha256 and _is_hex(self.git_blob, 40))):
            raise ValueError(f"{self.name} has no digest")
        if self.bytes < 0:
            raise ValueError(f"{self.name} has {self.bytes} bytes")

    @property
    def etag(self) -> str:
        """What tells its content from any other."""
        return self.sha256 or self.git_blob


class Part:
    """The bytes of `remote` that are here, in `folder`, under its digest.

    Two files of the same digest are one file, so what is here is right whichever commit it was
    asked of.
    """

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.remote = remote
        self.path = folder / remote.etag
        self._start()
        if self.path.exists():
            with self.path.open("rb") as file:
                while block := file.read(READ_BYTES):
                    self._take(block)
        if self.size > remote.bytes:
            self.restart()

    def restart(self) -> None:
        """Forget what is here."""
        self.path.unlink(missing_ok=True)
        self._start()

    @contextlib.contextmanager
    def writing(self) -> Generator[Callable[[bytes], None]]:
        """Gives what appends; all of it is on disk afterwards, also if the body breaks.

        Raises:
            IntegrityError: more comes than the file is long.
            StorageError: the disk is full.
        """
        try:
            file = open_to_append(self.path)
        except OSError as error:
            raise storage_error(error, self.path) from error

        def append(block: bytes) -> None:
            if self.size + len(block) > self.remote.bytes:
                raise IntegrityError(f"{self.remote.name} is longer than the Hub lists it")
            try:
                left = memoryview(block)
                while left:
                    left = left[file.write(left) :]
            except OSError as error:
                file.truncate(self.size)
                raise storage_error(error, self.path) from error
            self._take(block)

        with file:
            yield append

    def matches(self) -> bool:
        """Whether it is whole and what the listing names."""
        return self.size == self.remote.bytes and self._digest.hexdigest() == self.remote.etag

    def _start(self) -> None:
        self.size = 0
        if self.remote.sha256:
            self._digest = hashlib.sha256()
        else:
            head = b"blob %d\0" % self.remote.bytes
            self._digest = hashlib.sha1(head, usedforsecurity=False)

    def _take(self, block: bytes) -> None:
        self._digest.update(block)
        self.size += len(block)


def open_to_append(path: Path) -> FileIO:
    """A file that passes each write on at once, so that what it counts is on the disk."""
    return path.open("ab", buffering=0)


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and all(each in "0123456789abcdef" for each in text)
