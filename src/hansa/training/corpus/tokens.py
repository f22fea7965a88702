"""Text as numbers: a digest of each word, and of each run of words, without a loop in Python.

A word is letters, digits and underscores, in lower case; spaces and signs do not count. So two
texts that differ in layout have the same runs.
"""

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_WORD = re.compile(rb"[0-9a-z_\x80-\xff]+")
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
"""Constants of the SplitMix64 generator. Source: Steele, Lea and Flood, OOPSLA 2014."""


def word_hashes(text: str) -> Hashes:
    """A number for each word of `text`, in order: `(words,) uint64`."""
    words = _WORD.findall(text.lower().encode("utf-8", "surrogatepass"))
    return np.fromiter(map(crc32, words), np.uint64, len(words))


def runs(hashes: Hashes, length: int) -> Hashes:
    """A 64-bit digest of every run of `length` words: `(words - length + 1,) uint64`.

    Two different runs share one with a chance of about 2^-64 for each pair, where their words'
    numbers differ (2^-32 a word).
    """
    count = len(hashes) - length + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    mixed = _mixed(hashes + np.uint64(1))
    found = np.zeros(count, np.uint64)
    for offset in range(length):
        found = found * _BASE + mixed[offset : offset + count]
    return _mixed(found)


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * _MIX
    return values ^ (values >> np.uint64(27))
