"""What a corpus is: its sources with their licences and counts, its shards with their digests."""

from pathlib import Path

import msgspec

from hansa.core.errors import NotFound, UserError

NAME = "manifest.json"
FORMAT = 1


class SourceRecord(msgspec.Struct, kw_only=True):
    """One source; `files` is the sum of `kept` and all that was dropped."""

    name: str
    version: str
    kind: str
    licence: str
    evidence: str
    listing_sha256: str
    """Over the names and sizes of its files."""
    files: int = 0
    kept: int = 0
    text_bytes: int = 0
    """Of what was kept, as UTF-8."""
    dropped: dict[str, int] = {}
    replaced: dict[str, int] = {}
    """Secrets and personal data that were replaced, by kind."""
    sha256: str = ""
    """A chain over what was kept: each link is of the one before and the text's digest."""


class ShardRecord(msgspec.Struct, frozen=True):
    name: str
    documents: int
    text_bytes: int
    bytes: int
    sha256: str
    """Of the file as it is on disk."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What decides the result beside the sources."""

    format: int = FORMAT
    tool: str
    shard_bytes: int
    run_words: int
    alike_min: float
    evals_texts: int
    evals_runs: int
    evals_sha256: str
    opt_out_sha256: str


class Manifest(msgspec.Struct, kw_only=True):
    settings: Settings
    sources: list[SourceRecord]
    shards: list[ShardRecord]

    @property
    def files(self) -> int:
        return sum(each.files for each in self.sources)

    @property
    def kept(self) -> int:
        return sum(each.kept for each in self.sources)

    @property
    def text_bytes(self) -> int:
        return sum(each.text_bytes for each in self.sources)

    def dropped(self) -> dict[str, int]:
        """Files left out, by reason, most first."""
        return _sum([each.dropped for each in self.sources])

    def replaced(self) -> dict[str, int]:
        """Secrets and personal data replaced, by kind, most first."""
        return _sum([each.replaced for each in self.sources])


def encode(manifest: Manifest) -> bytes:
    """The manifest as its file has it, the same bytes for the same corpus."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a corpus.

    Raises:
        NotFound: there is none: no corpus is here, or its build has not ended.
        UserError: it is not a manifest.
    """
    try:
        data = (folder / NAME).read_bytes()
    except OSError as error:
        raise NotFound(
            f"no corpus in {folder}", hint="`hansa corpus build --out` makes one, or goes on"
        ) from error
    return decode(data, folder / NAME)


def decode(data: bytes, path: Path) -> Manifest:
    """A manifest by its bytes, which were read from `path`. Raises UserError."""
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is not a corpus's manifest: {error}") from error


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
