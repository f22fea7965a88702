"""Leaves out every document that shares a run of ten words with the evals it will be judged by."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hansa.core.digests import sha256_hex
from hansa.core.errors import UserError
from hansa.training.corpus.tokens import Hashes, runs, word_hashes

RUN_WORDS = 10
"""Words in a row that may not be shared. Source: the issue; GPT-3 used 13, Llama 2 used 10."""

LINES_MAX = 200_000
LINE_BYTES_MAX = 4 * 1024 * 1024


class Evals:
    """The runs of words in the texts of evals, as sorted 64-bit digests."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [np.empty(0, np.uint64)]
        self.texts = 0
        self.too_short = 0
        """Texts of fewer than ten words: they cannot be told from any other code."""
        for text in texts:
            self.texts += 1
            words = word_hashes(text)
            if len(words) < RUN_WORDS:
                self.too_short += 1
            else:
                parts.append(runs(words, RUN_WORDS))
        self.runs = np.unique(np.concatenate(parts))

    @property
    def digest(self) -> str:
        """Of what is looked for, for the manifest."""
        return sha256_hex(self.runs.tobytes())

    def leaks_into(self, words: Hashes) -> bool:
        """Whether a document, by its words, holds a run of the evals."""
        if not len(self.runs):
            return False
        found = runs(words, RUN_WORDS)
        places = np.searchsorted(self.runs, found)
        places[places == len(self.runs)] = 0
        return bool((self.runs[places] == found).any())


def texts_of(path: Path) -> list[str]:
    """The texts of a file of JSON lines: each line a text, or an object whose texts all count.

    Raises:
        UserError: it cannot be read, or a line is not JSON.
    """
    found: list[str] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if number > LINES_MAX or len(line) > LINE_BYTES_MAX:
                    raise UserError(
                        f"{path} is larger than evals are",
                        hint=f"at most {LINES_MAX} lines of {LINE_BYTES_MAX} bytes",
                    )
                if line.strip():
                    found += _texts_in(msgspec.json.decode(line))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UserError(
            f"{path} is not JSON lines: {error}", hint="one JSON text a line"
        ) from error
    return found


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        parts: list[str] = [each for each in value.values() if isinstance(each, str)]  # pyright: ignore[reportUnknownVariableType]  any JSON
        return [*parts, "\n".join(parts)]
    return []
