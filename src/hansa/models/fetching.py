"""What every way of fetching shares: progress, one error, digests of large files."""

from collections.abc import Callable
from hashlib import sha1, sha256
from pathlib import Path

from hansa.core.errors import HansaError

Progress = Callable[[int, int], None]
"""Bytes here, bytes expected; 0 expected if that is not known."""

READ_BYTES = 1 << 20


class FetchFailed(HansaError):
    """Weights could not be fetched; nothing here is half of a model."""

    code = "fetch_failed"
    status = 502
    retryable = True


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def git_blob_of(path: Path) -> str:
    """The id that git, and so the Hub, gives a file that it keeps itself."""
    digest = sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
