"""Search by words and by meaning at once, for who has made vectors of an index."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from hansa.index.embedding import Embedder, card
from hansa.index.fusion import fuse
from hansa.index.index import Hit, Index
from hansa.index.vectors import Filled, Vectors, digest

VECTOR_WEIGHT = 0.2
"""Of a place in the vectors' ranking beside one in the words' (benchmarks/retrieval.py)."""

OVERSAMPLE = 5

Progress = Callable[[int, int], None]


class Hybrid:
    """An index and the vectors of its chunks; use it as a context manager."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        """Raises UserError without numpy, StorageError if the vectors cannot be written."""
        self._index = index
        self._vectors = Vectors(vectors_path(index.path), embedder)

    def fill(self, progress: Progress | None = None, stop: threading.Event | None = None) -> Filled:
        """Give every chunk that has none its vector, and forget those of chunks that are gone.

        Raises:
            StorageError: the disk is full; what was made is kept, and not made again.
        """
        cards = {digest(each): each for each in self._cards()}
        self._vectors.keep(cards.keys())
        todo = self._vectors.missing(cards)
        done, step = 0, 256
        for start in range(0, len(todo), step):
            part = [cards[each] for each in todo[start : start + step]]
            filled = self._vectors.fill(part, stop)
            done += filled.embedded
            if progress:
                progress(done, len(todo))
            if filled.left:
                break
        return Filled(done, len(todo) - done)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best chunks by both rankings; scores are those of the fusion."""
        by_words = self._index.search(query, limit * OVERSAMPLE)
        near = [found for found, _ in self._vectors.nearest(query, limit * OVERSAMPLE)]
        known = {digest(_card(hit)): hit for hit in by_words}
        unknown = set(near) - known.keys()
        if unknown:
            known |= {
                key: hit for hit in self._index.chunks() if (key := digest(_card(hit))) in unknown
            }
        ranked = fuse(
            [[digest(_card(hit)) for hit in by_words], near], weights=[1.0, VECTOR_WEIGHT]
        )
        found = [(known[key], score) for key, score in ranked if key in known]
        return [Hit(hit.snippet, score, hit.symbol, hit.kind) for hit, score in found[:limit]]

    def close(self) -> None:
        self._vectors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cards(self) -> list[str]:
        return [_card(hit) for hit in self._index.chunks()]


def vectors_path(index: Path) -> Path:
    """Where the vectors of an index are."""
    return index.with_suffix(".vectors")


def _card(hit: Hit) -> str:
    return card(hit.snippet.path, hit.symbol, hit.snippet.text)
