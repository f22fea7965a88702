"""Code as words: identifiers whole and in their parts, so that `drawTable` is found by `table`."""

import functools
import re

QUERY_CHARS_MAX = 4096
"""What of a query is looked at."""

QUERY_WORDS_MAX = 48
IDENTIFIERS_KEPT = 65_536

_IDENTIFIER = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")

_COMMON_TEXT = """
a an and are as at be by can do does for from has have how i if in into is it its me of on or so
than that the their then there this to use used was what when where which who why will with you
your def self return import class none true false
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def words(text: str) -> str:
    """The words of `text` for the index, lower-case, separated by spaces."""
    return " ".join([_parts(each) for each in _IDENTIFIER.findall(text)])


def query_words(query: str) -> list[str]:
    """The distinct words of a query that tell something; common ones only if nothing else is."""
    found = list(dict.fromkeys(words(query[:QUERY_CHARS_MAX]).split(" ")))
    telling = [word for word in found if word and word not in _COMMON]
    return (telling or [word for word in found if word])[:QUERY_WORDS_MAX]


@functools.lru_cache(IDENTIFIERS_KEPT)
def _parts(identifier: str) -> str:
    """An identifier and what it is made of; a codebase says the same few over and over."""
    parts = _PART.findall(identifier)
    if parts == [identifier]:
        return identifier.lower()
    return " ".join([identifier.lower(), *map(str.lower, parts)])
