"""The corpus on disk: shards of JSON lines, and how far a run has come.

A shard is written whole, then what has been seen up to its end, then the journal that says so. A
run that is killed goes on from the last shard the journal knows, with what was seen until then.
"""

import gzip
import shutil
from io import BytesIO
from pathlib import Path

import msgspec

from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.files import write_atomic
from hansa.training.corpus.manifest import ShardRecord, SourceRecord

STATE = "state"
JOURNAL = "journal.json"
GZIP_LEVEL = 6


class Line(msgspec.Struct, frozen=True):
    """A document as a shard has it."""

    text: str
    source: str
    """Name and version."""
    path: str
    licence: str
    """As SPDX."""
    language: str


class Journal(msgspec.Struct, kw_only=True):
    """How far a run has come; `source` and `entry` are the next to look at."""

    settings_sha256: str
    sources: list[SourceRecord]
    shards: list[ShardRecord] = []
    source: int = 0
    entry: int = 0


class Shards:
    """Writes shards of about `shard_bytes` of text each, and the journal after each."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self._folder, self._shard_bytes = folder, shard_bytes
        self._state = folder / STATE
        self._seen, self._signatures = bytearray(), bytearray()
        self._start()

    def resume(self, fresh: Journal) -> Journal:
        """The journal of a run that was broken off, or `fresh` if there was none.

        Raises:
            ConfigError: the folder holds a run of other sources or settings.
            IntegrityError: a shard the journal knows is not as it was written.
        """
        path = self._state / JOURNAL
        if not path.exists():
            self._refuse_others()
            return fresh
        journal = msgspec.json.decode(path.read_bytes(), type=Journal)
        if journal.settings_sha256 != fresh.settings_sha256:
            raise ConfigError(
                f"{self._folder} holds a run of other sources or settings",
                hint="name another --out, or remove the folder to begin anew",
            )
        for shard in journal.shards:
            data = self._folder / shard.name
            if not data.exists() or sha256_hex(data.read_bytes()) != shard.sha256:
                raise IntegrityError(
                    f"{data} is not as it was written", hint="remove the folder to begin anew"
                )
        return journal

    def remembered(self, journal: Journal) -> tuple[bytes, bytes]:
        """Digests of the files seen (16 bytes each) and signatures kept, up to the journal."""
        parts = [self._state_paths(number) for number in range(len(journal.shards))]
        return (
            b"".join(seen.read_bytes() for seen, _ in parts),
            b"".join(signatures.read_bytes() for _, signatures in parts),
        )

    def saw(self, digest: bytes) -> None:
        """Remember a file's digest, so that its copies are known after a break."""
        self._seen += digest

    def add(self, line: Line, signature: bytes) -> int:
        """Take a document in; says how many bytes its text has."""
        size = len(line.text.encode())
        self._signatures += signature
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._documents, self._text_bytes = self._documents + 1, self._text_bytes + size
        return size

    @property
    def full(self) -> bool:
        return self._text_bytes >= self._shard_bytes

    def cut(self, journal: Journal) -> None:
        """Write the shard if anything is in it, and the journal, which then knows of it."""
        if not self._documents:
            return
        self._file.close()
        data, number = self._buffer.getvalue(), len(journal.shards)
        name = f"part-{number:05d}.jsonl.gz"
        write_atomic(self._folder / name, data)
        seen, signatures = self._state_paths(number)
        write_atomic(seen, bytes(self._seen))
        write_atomic(signatures, bytes(self._signatures))
        journal.shards.append(
            ShardRecord(name, self._documents, self._text_bytes, len(data), sha256_hex(data))
        )
        write_atomic(self._state / JOURNAL, msgspec.json.encode(journal))
        self._seen.clear()
        self._signatures.clear()
        self._start()

    def end(self) -> None:
        """Remove what only a broken run needs."""
        shutil.rmtree(self._state, ignore_errors=True)

    def _start(self) -> None:
        self._buffer, self._documents, self._text_bytes = BytesIO(), 0, 0
        self._file = gzip.GzipFile(
            filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=self._buffer, mtime=0
        )

    def _state_paths(self, number: int) -> tuple[Path, Path]:
        return self._state / f"{number:05d}.seen", self._state / f"{number:05d}.near"

    def _refuse_others(self) -> None:
        strange = [each.name for each in self._folder.iterdir()
                   if not each.name.startswith((".", "part-")) and each.name != STATE]  # fmt: skip
        if strange:
            raise ConfigError(
                f"{self._folder} is not empty: {sorted(strange)[0]}", hint="name a new --out"
            )
