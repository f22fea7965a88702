"""Near duplicates are found by their signatures."""

import random

import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.training.corpus.near import NearIndex, likeness, signature
from hansa.training.corpus.tokens import runs, word_hashes
from support.corpus import module

ERROR_MAX = 0.15
"""Of an estimate from 128 places: over three standard errors at the worst, 0.5."""


def signed(text: str):
    return signature(word_hashes(text))


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_likeness_estimates_what_is_shared(seed: int, changed: float):
    chance = random.Random(seed)
    words = [f"w{chance.randrange(10**6)}" for _ in range(600)]
    cut = int(len(words) * changed)
    other = words[cut:] + [f"v{chance.randrange(10**6)}" for _ in range(cut)]
    one, two = (set(runs(word_hashes(" ".join(each)), 5).tolist()) for each in (words, other))
    shared = len(one & two) / len(one | two)
    assert likeness(signed(" ".join(words)), signed(" ".join(other))) == pytest.approx(
        shared, abs=ERROR_MAX
    )


def test_it_agrees_with_datasketch():
    one, two = module(1, 60), module(1, 60).replace("cargo", "freight", 12)
    theirs = []
    for text in (one, two):
        minhash = MinHash(num_perm=256)
        minhash.update_batch([str(each).encode() for each in runs(word_hashes(text), 5).tolist()])
        theirs.append(minhash)
    assert likeness(signed(one), signed(two)) == pytest.approx(
        theirs[0].jaccard(theirs[1]), abs=ERROR_MAX
    )


def test_what_is_nearly_alike_is_not_taken_twice():
    index = NearIndex()
    for seed in range(200):
        assert index.add_unless_alike(signed(module(seed, 40)))
    for seed in range(200):
        near = module(seed, 40).replace("_", "_x_", 1)
        assert not index.add_unless_alike(signed(near))
    assert index.count == 200


def test_what_was_added_before_a_break_is_known_after():
    index = NearIndex()
    index.add(signed(module(1)))
    assert not index.add_unless_alike(signed(module(1)))


@pytest.mark.parametrize("text", ["", "one", "one two three"])
def test_short_texts_have_signatures(text: str):
    assert signed(text).shape == (128,)
    assert likeness(signed(text), signed(text)) == 1.0
