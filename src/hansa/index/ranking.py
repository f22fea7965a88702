"""What BM25 does not see in a match: whether its name is what was asked for, and how much it says.

The figures are from `benchmarks/retrieval.py`, chosen on other packages than it asks about.
"""

import functools
from collections.abc import Iterable

from hansa.index.words import words

NAME_GAIN = 0.5
"""How much more a match counts whose own name is made of the query's words only."""

SHORT_LINES = 4
SHORT_FACTOR = 0.4
"""What a match in a single line is worth; BM25 alone prefers the shortest chunks."""

TEST_FACTOR = 0.7
"""What a match in a test is worth beside one in the source."""

STEM_CHARS_MIN = 3
WORDS_KEPT = 65_536

_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ers", "er", "ed", "es", "s", "e", "y")


def asked_for(terms: Iterable[str]) -> frozenset[str]:
    """The words of a query as `factor` wants them; `terms` are those of `query_words`."""
    return frozenset(stem(term) for term in terms)


def factor(symbol: str, path: str, lines: int, asked: frozenset[str]) -> float:
    """By what a chunk's BM25 score is multiplied: above 0, at most `1 + NAME_GAIN`."""
    told = min(lines, SHORT_LINES) / SHORT_LINES
    length = SHORT_FACTOR + (1 - SHORT_FACTOR) * told
    place = TEST_FACTOR if is_test(path) else 1.0
    return length * place * (1 + NAME_GAIN * name_share(symbol, asked))


def name_share(symbol: str, asked: frozenset[str]) -> float:
    """What part of the words of a symbol's own name was asked for, 0 to 1."""
    own = _name_stems(symbol.rpartition(".")[2])
    return sum(word in asked for word in own) / len(own) if own else 0.0


def is_test(path: str) -> bool:
    *folders, name = path.lower().split("/")
    return "tests" in folders or "test" in folders or name.startswith("test_")


@functools.lru_cache(WORDS_KEPT)
def stem(word: str) -> str:
    """A word without its endings, so that `renders` and `rendering` are one."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= STEM_CHARS_MIN:
            return stem(word[: -len(ending)])
    return word


@functools.lru_cache(WORDS_KEPT)
def _name_stems(name: str) -> tuple[str, ...]:
    found = words(name).split()
    parts = found[1:] if len(found) > 1 else found  # The first is the name as a whole.
    return tuple(stem(part) for part in parts)
