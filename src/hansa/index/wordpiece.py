"""Text as the token ids of a BERT model: lower-case words, cut into the longest pieces known."""

import functools
import json
import re
import unicodedata
from pathlib import Path

from hansa.core.errors import UserError

WORD_CHARS_MAX = 100
"""A longer word is unknown. Source: BERT's `max_input_chars_per_word`."""

WORDS_KEPT = 65_536

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")


class WordPiece:
    """A vocabulary; `ids` is the same as the Rust tokenizer's for BERT without case.

    Source: the `BertNormalizer`, `BertPreTokenizer` and `WordPiece` of Hugging Face's tokenizers.
    """

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._vocabulary = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._first, self._last = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._pieces = functools.lru_cache(WORDS_KEPT)(self._cut)

    @classmethod
    def from_file(cls, path: Path) -> "WordPiece":
        """Read a `tokenizer.json`.

        Raises:
            UserError: it holds no WordPiece vocabulary.
        """
        try:
            return cls(json.loads(path.read_bytes())["model"]["vocab"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path} holds no vocabulary of BERT's kind",
                hint="run `hansa index --vectors` to fetch it anew",
            ) from error

    def ids(self, text: str, limit: int) -> list[int]:
        """At most `limit` ids, the first and last marks among them."""
        ids = [self._first]
        for word in _words(text):
            ids += self._pieces(word)
            if len(ids) >= limit:
                break
        return [*ids[: limit - 1], self._last]

    def _cut(self, word: str) -> list[int]:
        if len(word) > WORD_CHARS_MAX:
            return [self._unknown]
        ids: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                known = self._vocabulary.get(prefix + word[start:end])
                if known is not None:
                    break
            else:
                return [self._unknown]
            ids.append(known)
            start = end
        return ids


def _words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    spaced = "".join(_spaced(char) for char in text)
    plain = (
        char for char in unicodedata.normalize("NFD", spaced) if unicodedata.category(char) != "Mn"
    )
    return "".join(plain).lower().split()


def _spaced(char: str) -> str:
    """A mark or an ideograph is a word of its own; control characters are none."""
    if char in "\t\n\r":
        return " "
    category = unicodedata.category(char)
    if category.startswith("C") or char == "\ufffd":
        return ""
    if (
        category.startswith("P")
        or _is_ideograph(ord(char))
        or (char.isascii() and not char.isalnum() and char != " ")
    ):
        return f" {char} "
    return " " if category == "Zs" else char


def _is_ideograph(code: int) -> bool:
    return (
        0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x2FA1F
    )
