"""Text as vectors, by a small model in ONNX on the processor; needs `hansa[vectors]`."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from hansa.core.errors import UserError
from hansa.index.wordpiece import WordPiece
from hansa.index.words import words

TOKENS_MAX = 64
"""Of a chunk. Twice as many take twice as long; `docs/log.md` has what they bring."""

CARD_CHARS_MAX = 4096
THREADS = 1
"""The background's share: an engine and an editor want the other cores."""

Array = Any
"""A numpy array; its shape and type are said where it is used."""


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """What made the vectors: those of another name do not compare."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Array:
        """Vectors of length 1, `(len(texts), dimensions) float32`."""
        ...


class MiniLm:
    """all-MiniLM-L6-v2: the mean of its last states.

    Source: the model card of sentence-transformers/all-MiniLM-L6-v2.
    """

    name = f"all-MiniLM-L6-v2-int8/{TOKENS_MAX}"
    dimensions = 384

    def __init__(self, model: Path, tokenizer: Path, *, threads: int = THREADS) -> None:
        """Load the model, in about 0.2 s.

        Raises:
            UserError: the extra is not installed, or a file is not what it should be.
        """
        self._numpy = load_numpy()
        runtime = _load("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(
                model.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except OSError as error:
            raise UserError(f"there is no embedding model {model}: {error.strerror}") from error
        except Exception as error:  # its own kinds have no common base; reported with its words
            raise UserError(f"{model} is no model for onnxruntime: {error}") from error
        self._pieces = WordPiece.from_file(tokenizer)

    def embed(self, texts: Sequence[str]) -> Array:
        if not texts:
            return self._numpy.zeros((0, self.dimensions), self._numpy.float32)
        rows = [self._pieces.ids(text, TOKENS_MAX) for text in texts]
        ids = self._numpy.zeros((len(rows), max(map(len, rows))), self._numpy.int64)
        mask = self._numpy.zeros_like(ids)
        for n, row in enumerate(rows):
            ids[n, : len(row)], mask[n, : len(row)] = row, 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
        (states,) = self._session.run(["last_hidden_state"], inputs)
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / self._numpy.linalg.norm(mean, axis=1, keepdims=True)


def card(path: str, symbol: str, text: str) -> str:
    """What is embedded of a chunk: where it is and what it is called, then its text."""
    return f"{words(path)} {words(symbol)}\n{text}"[:CARD_CHARS_MAX]


def load_numpy() -> Any:
    """numpy, which only the vectors need.

    Raises:
        UserError: it is not installed.
    """
    return _load("numpy")


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"search by vectors needs {name}, which is not installed",
            hint="pip install 'hansa[vectors]', or search by words alone",
        ) from error
