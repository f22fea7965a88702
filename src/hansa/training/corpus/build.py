"""Make a corpus: sources in, shards and a manifest out; killed at any time, it goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from hansa import __version__
from hansa.core.digests import canonical_json, sha256_hex
from hansa.core.errors import ConfigError
from hansa.core.files import exclusive_lock, write_atomic
from hansa.index.languages import language_of
from hansa.training.corpus import licences, near, quality
from hansa.training.corpus.archives import BROKEN
from hansa.training.corpus.crew import Crew
from hansa.training.corpus.decontaminate import RUN_WORDS, Evals
from hansa.training.corpus.entries import Entry
from hansa.training.corpus.judge import Document, Judged
from hansa.training.corpus.manifest import (
    NAME,
    Manifest,
    Settings,
    SourceRecord,
    encode,
    read_manifest,
)
from hansa.training.corpus.optout import OptOut
from hansa.training.corpus.shards import Journal, Line, Shards
from hansa.training.corpus.sources import Source, open_sources
from hansa.training.corpus.survey import survey

SHARD_BYTES = 32 * 1024 * 1024
"""Text in one shard, and about what a kill can cost."""

BATCH_DOCUMENTS = 64
BATCH_BYTES = 1024 * 1024
DIGEST_BYTES = 16

Progress = Callable[[int, int], None]
"""Told how many of how many files have been looked at."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file, or a whole source that is left out (`files` of them), on its way through."""

    source: int
    entry: int
    files: int = 1
    reason: str = ""
    document: Document | None = None
    digest: bytes = b""


def build(
    places: list[Path],
    out: Path,
    *,
    against: Iterable[str] = (),
    opt_out: OptOut | None = None,
    shard_bytes: int = SHARD_BYTES,
    workers: int = 2,
    progress: Progress | None = None,
) -> Manifest:
    """Build a corpus from `places` into the folder `out`, or go on with one that was broken off.

    The result depends on the sources and the settings only: not on breaks, nor on `workers`.

    Raises:
        UserError: a place holds nothing to read, or an archive is damaged.
        ConfigError: `out` holds something else.
        StorageError: it cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(out / ".lock"):
        made = _Build(open_sources(places), Evals(against), opt_out or OptOut(), out, shard_bytes)
        return made.run(workers, progress or (lambda done, total: None))


class _Build:
    def __init__(
        self, sources: list[Source], evals: Evals, opt_out: OptOut, out: Path, shard_bytes: int
    ) -> None:
        self._sources, self._evals, self._opt_out, self._out = sources, evals, opt_out, out
        self._surveys = [survey(each) for each in sources]
        self._settings = _settings(evals, opt_out, shard_bytes)
        self._shards = Shards(out, shard_bytes)
        self._seen, self._near = set[bytes](), near.NearIndex()
        self._journal = self._fresh()

    def run(self, workers: int, progress: Progress) -> Manifest:
        if (self._out / NAME).exists():
            return self._already_made()
        self._journal = self._shards.resume(self._journal)
        self._remember()
        total = sum(each.files for each in self._surveys)
        done = sum(each.files for each in self._journal.sources)
        with Crew(self._evals, workers) as crew:
            for items, judged in crew.judge(_batches(self._items())):
                self._fold(items, iter(judged))
                done += sum(each.files for each in items)
                progress(done, total)
        self._shards.cut(self._journal)
        manifest = self._manifest()
        write_atomic(self._out / NAME, encode(manifest))
        self._shards.end()
        return manifest

    def _fresh(self) -> Journal:
        records = [
            SourceRecord(
                name=source.name, version=source.version, kind=source.kind,
                licence=source.licence, evidence=source.evidence, listing_sha256=looked.listing,
            )
            for source, looked in zip(self._sources, self._surveys, strict=True)
        ]  # fmt: skip
        settings = sha256_hex(canonical_json({"settings": self._settings, "sources": records}))
        return Journal(settings_sha256=settings, sources=records)

    def _already_made(self) -> Manifest:
        made = read_manifest(self._out)
        same = [each.listing_sha256 for each in made.sources] == [
            each.listing for each in self._surveys
        ]
        if made.settings != self._settings or not same:
            raise ConfigError(
                f"{self._out} holds a corpus of other sources or settings",
                hint="name another --out",
            )
        return made

    def _remember(self) -> None:
        """What a run that was broken off had seen and kept."""
        seen, signatures = self._shards.remembered(self._journal)
        self._seen = {seen[at : at + DIGEST_BYTES] for at in range(0, len(seen), DIGEST_BYTES)}
        for row in np.frombuffer(signatures, np.uint32).reshape(-1, near.PLACES):
            self._near.add(row)

    def _items(self) -> Iterator[Item]:
        """Every file from where the journal is, those that are not worth judging with why."""
        first, skip = self._journal.source, self._journal.entry
        for number in range(first, len(self._sources)):
            source, looked = self._sources[number], self._surveys[number]
            if reason := self._unfit_source(source):
                yield Item(number, looked.files, looked.files, reason)
                continue
            for at, entry in enumerate(source.entries()):
                if number == first and at < skip:
                    continue
                reason = quality.unfit_name(entry.path) or quality.unfit_size(entry.size)
                if self._opt_out.takes_path(source.name, entry.path):
                    reason = "opted out"
                if reason:
                    yield Item(number, at + 1, reason=reason)
                else:
                    yield self._item(number, at + 1, entry)

    def _unfit_source(self, source: Source) -> str:
        if self._opt_out.takes_source(source.name):
            return "opted out"
        return "" if licences.permissive(source.licence) else "licence of the source"

    def _item(self, number: int, at: int, entry: Entry) -> Item:
        """A file that is worth reading, unless it was looked at before or may not be taken."""
        try:
            data = entry.read()
        except BROKEN:
            return Item(number, at, reason="cannot be read")
        digest = sha256(data)
        if self._opt_out.takes_file(digest.hexdigest()):
            return Item(number, at, reason="opted out")
        own = self._surveys[number].licence_of(entry.path)
        if own and not licences.permissive(own):
            return Item(number, at, reason="licence of its folder")
        short = digest.digest()[:DIGEST_BYTES]
        if short in self._seen:
            return Item(number, at, reason="duplicate")
        self._seen.add(short)
        licence = own or self._sources[number].licence
        return Item(number, at, document=Document(entry.path, data, licence), digest=short)

    def _fold(self, items: list[Item], judged: Iterator[Judged]) -> None:
        """Take judgements in, in the order of the files."""
        for item in items:
            record = self._journal.sources[item.source]
            record.files += item.files
            reason = item.reason
            if item.document:
                self._shards.saw(item.digest)
                reason = self._settle(record, item.document.path, next(judged))
            if reason:
                record.dropped[reason] = record.dropped.get(reason, 0) + item.files
            self._journal.source, self._journal.entry = item.source, item.entry
            if self._shards.full:
                self._shards.cut(self._journal)

    def _settle(self, record: SourceRecord, path: str, judged: Judged) -> str:
        """Keep a document unless it is out for itself or like another; says why it is not kept."""
        if judged.reason:
            return judged.reason
        if not self._near.add_unless_alike(np.frombuffer(judged.signature, np.uint32)):
            return "near duplicate"
        label = f"{record.name} {record.version}".strip()
        line = Line(judged.text, label, path, judged.licence, language_of(path) or "")
        record.text_bytes += self._shards.add(line, judged.signature)
        record.kept += 1
        for kind, count in judged.replaced.items():
            record.replaced[kind] = record.replaced.get(kind, 0) + count
        text_sha256 = sha256_hex(judged.text.encode())
        record.sha256 = sha256_hex(f"{record.sha256}{text_sha256}".encode())
        return ""

    def _manifest(self) -> Manifest:
        journal = self._journal
        return Manifest(settings=self._settings, sources=journal.sources, shards=journal.shards)


def _settings(evals: Evals, opt_out: OptOut, shard_bytes: int) -> Settings:
    return Settings(
        tool=f"hansa {__version__}", shard_bytes=shard_bytes, run_words=RUN_WORDS,
        alike_min=near.ALIKE_MIN, evals_texts=evals.texts, evals_runs=len(evals.runs),
        evals_sha256=evals.digest, opt_out_sha256=opt_out.digest,
    )  # fmt: skip


def _batches(items: Iterable[Item]) -> Iterator[tuple[list[Item], list[Document]]]:
    """Items in groups that are worth sending to another process."""
    batch, size = list[Item](), 0
    for item in items:
        batch.append(item)
        size += len(item.document.data) if item.document else 0
        if size >= BATCH_BYTES or len(batch) >= BATCH_DOCUMENTS:
            yield batch, [each.document for each in batch if each.document]
            batch, size = [], 0
    if batch:
        yield batch, [each.document for each in batch if each.document]
