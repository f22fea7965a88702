"""The best chunks for words, by BM25, without scoring every chunk that has a common word.

Scoring is what costs, and a word such as `self` is in every other chunk. So chunks that have only
common words are left out where the query has a rare one, and, where it has none, those that have
them only in their text. Small codebases are scored whole.
"""

from collections.abc import Sequence

from hansa.index.store import Row, Store

COMMON_CHUNKS = 3_000
"""A word in this many chunks is common."""

Weights = tuple[float, float, float]
"""Of a match in a symbol's name, in the path, in the text."""

_BEST = """
SELECT file.path, chunk.start_line, chunk.end_line, chunk.symbol, chunk.text, score,
       (SELECT kind FROM definition
        WHERE definition.file = chunk.file AND definition.name = chunk.symbol LIMIT 1)
FROM (SELECT rowid AS best, -bm25(search, ?, ?, ?) AS score FROM search
      WHERE search MATCH ? AND (? = '' OR +rowid IN (SELECT rowid FROM search WHERE search MATCH ?))
      ORDER BY score DESC, rowid LIMIT ?)
JOIN chunk ON chunk.id = best JOIN file ON file.id = chunk.file
ORDER BY score DESC, file.path, chunk.start_line
"""


class BestChunks:
    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, terms: Sequence[str], weights: Weights, limit: int) -> list[Row]:
        """Chunks that have any of the terms, which are words as `query_words` gives them."""
        match = _any_of(terms)
        rare = [term for term in terms if not self._common(term)]
        if len(rare) == len(terms):
            return self._best(match, "", weights, limit)
        if rare:
            return self._best(match, _any_of(rare), weights, limit)
        named = self._best(match, f"{{symbol path}} : ({match})", weights, limit)
        return named if len(named) == limit else self._best(match, "", weights, limit)

    def _common(self, term: str) -> bool:
        counted = self._store.run(
            "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)",
            (_any_of([term]), COMMON_CHUNKS),
        )
        return counted[0][0] >= COMMON_CHUNKS

    def _best(self, match: str, among: str, weights: Weights, limit: int) -> list[Row]:
        """Scored by `match`, of those chunks that match `among` too; of all if it is empty."""
        found = self._store.run(_BEST, (*weights, match, among, among or match, limit))
        return [Row(*row) for row in found]


def _any_of(terms: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)
