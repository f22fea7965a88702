"""A corpus read back, for training."""

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hansa.training.corpus.manifest import read_manifest
from hansa.training.corpus.shards import Line

STUBS = ".pyi"
"""Declarations without bodies; nothing to fill in."""


def python_texts(corpus: Path, source_chars: int) -> Iterator[str]:
    """Python of a corpus, so much of each source at most that no large one drowns the others.

    Raises:
        NotFound, UserError: there is no corpus, or what is there is none.
    """
    taken: Counter[str] = Counter()
    for shard in read_manifest(corpus).shards:
        with gzip.open(corpus / shard.name, "rb") as lines:
            for line in lines:
                each = msgspec.json.decode(line, type=Line)
                wanted = each.language == "python" and not each.path.endswith(STUBS)
                if wanted and taken[each.source] < source_chars:
                    taken[each.source] += len(each.text)
                    yield each.text
