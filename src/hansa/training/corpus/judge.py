"""One document judged by itself: what can be told without the others, in any process."""

from collections import Counter
from dataclasses import dataclass, field

from hansa.training.corpus import licences, near, parsing, private, quality
from hansa.training.corpus.decontaminate import Evals
from hansa.training.corpus.tokens import word_hashes


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    data: bytes
    licence: str
    """Of the nearest thing above it that has one, as SPDX."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a document; `reason` is empty if it may stay."""

    reason: str = ""
    text: str = ""
    licence: str = ""
    signature: bytes = b""
    """Its MinHash signature, 512 bytes."""
    replaced: Counter[str] = field(default_factory=Counter[str])
    """Secrets and personal data that were replaced, by kind."""


def judge(document: Document, evals: Evals) -> Judged:
    """Read, check and clean one document."""
    try:
        text = document.data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return Judged("not UTF-8")
    own = licences.of_head(text)
    if own and not licences.permissive(own):
        return Judged("licence of the file")
    reason = quality.unfit_text(document.path, document.data, text)
    if reason:
        return Judged(reason)
    text, replaced = private.without_private(text)
    if not parsing.valid(document.path, text):
        return Judged("cannot be cleaned" if replaced else "does not parse")
    words = word_hashes(text)
    if evals.leaks_into(words):
        return Judged("in the evals")
    return Judged(text=text, licence=own or document.licence,
                  signature=near.signature(words).tobytes(), replaced=replaced)  # fmt: skip
