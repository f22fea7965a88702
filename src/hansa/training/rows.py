"""Examples packed into rows of one length, so that no token of a batch is padding for long.

A row holds several examples one after the other; positions start anew at each, by which the model
keeps them apart (attention does not cross examples).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hansa.training.examples import Example

IGNORED = 0.0

Tokenize = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Shapes are (rows, row_tokens)."""

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    weights: NDArray[np.float32]
    """Of each token as a target in the loss."""

    def __len__(self) -> int:
        return len(self.tokens)

    def taken(self, which: slice | NDArray[np.int64]) -> "Rows":
        return Rows(self.tokens[which], self.positions[which], self.weights[which])


def join(first: Rows, second: Rows) -> Rows:
    """The rows of both, of one length."""
    return Rows(
        np.concatenate([first.tokens, second.tokens]),
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.weights, second.weights]),
    )


def pack(
    examples: Iterable[Example],
    tokenize: Tokenize,
    row_tokens: int,
    *,
    context_weight: float,
    filler: int,
    rows_max: int,
) -> Rows:
    """Fill rows first-fit over a few open ones; an example that is longer than a row is left out.

    Prompt and answer are tokenised apart, because the model is given the prompt's tokens and then
    chooses its own.
    """
    filled = _filled(examples, tokenize, row_tokens, context_weight)
    rows = [row.ended(row_tokens, filler) for row in islice(filled, rows_max)]
    if not rows:
        empty = np.zeros((0, row_tokens))
        return Rows(empty.astype(np.int32), empty.astype(np.int32), empty.astype(np.float32))
    tokens, positions, weights = zip(*rows, strict=True)
    return Rows(
        np.array(tokens, np.int32), np.array(positions, np.int32), np.array(weights, np.float32)
    )


OPEN_ROWS = 16


@dataclass(slots=True)
class _Row:
    tokens: list[int] = field(default_factory=list[int])
    positions: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])

    def add(self, prompt: list[int], answer: list[int], context_weight: float) -> None:
        self.tokens += prompt + answer
        self.positions += range(len(prompt) + len(answer))
        # The first token of an example has nothing before it to be foreseen from.
        self.weights += [IGNORED, *[context_weight] * (len(prompt) - 1), *[1.0] * len(answer)]

    def ended(self, length: int, filler: int) -> tuple[list[int], list[int], list[float]]:
        missing = length - len(self.tokens)
        return (
            self.tokens + [filler] * missing,
            self.positions + list(range(missing)),
            self.weights + [IGNORED] * missing,
        )


def _filled(
    examples: Iterable[Example], tokenize: Tokenize, row_tokens: int, context_weight: float
) -> Iterator[_Row]:
    open_rows: list[_Row] = []
    for example in examples:
        prompt, answer = tokenize(example.prompt), tokenize(example.answer)
        length = len(prompt) + len(answer)
        if not prompt or not answer or length > row_tokens:
            continue
        row = next((each for each in open_rows if len(each.tokens) + length <= row_tokens), None)
        if row is None:
            row = _Row()
            open_rows.append(row)
        row.add(prompt, answer, context_weight)
        if len(open_rows) > OPEN_ROWS:
            fullest = max(open_rows, key=lambda each: len(each.tokens))
            open_rows.remove(fullest)
            yield fullest
    yield from open_rows
