"""Leaving chunks of common words unscored changes neither scores nor, much, what is found."""

import pytest

from hansa.index import bm25
from hansa.index.index import Index


@pytest.fixture
def index(lay, open_index) -> Index:
    lay({f"m{n}.py": f"def value_{n}(self):\n    return self.name\n" for n in range(30)})
    lay({
        "rare.py": "def zebra(self):\n    return self.name\n",
        "named.py": "def self_name(x):\n    return x\n",
    })  # fmt: skip
    opened = open_index()
    opened.update()
    return opened


def found(index: Index, query: str) -> list[tuple[str, float]]:
    return [(hit.snippet.path, hit.score) for hit in index.search(query, 5)]


def test_a_rare_word_decides_with_the_same_score(index, monkeypatch) -> None:
    whole = found(index, "name of the zebra, value")
    monkeypatch.setattr(bm25, "COMMON_CHUNKS", 10)
    assert found(index, "name of the zebra, value") == whole[:1]
    assert whole[0][0] == "rare.py"


def test_common_words_alone_still_find_what_is_named_so(index, monkeypatch) -> None:
    whole = found(index, "self name")
    monkeypatch.setattr(bm25, "COMMON_CHUNKS", 10)
    assert found(index, "self name") == whole, "too few are named so: all are scored"
    monkeypatch.setattr("hansa.index.index.OVERSAMPLE", 1)
    assert index.search("self name", 1)[0].snippet.path == whole[0][0] == "named.py"
