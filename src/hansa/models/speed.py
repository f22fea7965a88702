"""How fast a machine without a GPU would complete code: an estimate, and how it was made.

Generating a token reads every active weight once, so its time is their bytes over the rate at which
this machine reads weights. That rate is a share of how fast it copies memory, measured here; the
share was measured once, on the reference machine with the embedded model.
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from hansa.models.catalog import Card
from hansa.models.plan import BITS_PER_WEIGHT, Precision
from hansa.models.weights import Adapted, Hosted, Hub, Wheel

COMPLETION_TOKENS = 24
BUDGET_MS = 200
CONTEXT_TOKENS = 2048

WEIGHTS_PER_COPY = 0.5
"""Weights read a second, over bytes copied a second.

Source: the reference machine (2 cores) copies 20 GB/s and serves 24 tokens of the embedded model
(98 MB, warm prefix) in 0.22 s: 10.7 GB/s. Measured on one model, of a size that favours caches.
"""

RUNTIME_BYTES = 256 * 1024 * 1024
"""What the engine takes beside weights and cache. An estimate."""

COPY_BYTES = 48 * 1024 * 1024
"""More than most caches hold."""

COPY_ROUNDS = 4
THREADS_MAX = 8

Pair = tuple["ctypes.Array[ctypes.c_char]", "ctypes.Array[ctypes.c_char]"]
"""Target and origin."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One model on this machine."""

    model: str
    completion_ms: float
    """Estimated, for 24 tokens on a warm prefix; network and prompt come on top."""
    memory_bytes: int
    """Weights, cache of 2,048 tokens, engine."""
    fits_memory: bool

    @property
    def in_time(self) -> bool:
        return self.fits_memory and self.completion_ms <= BUDGET_MS


def carried(cards: Iterable[Card], weights_per_s: float, memory_bytes: int) -> list[Carried]:
    """The models with GGUF weights, fastest first.

    Args:
        weights_per_s: bytes of weights that are read in a second (`weights_per_second`).
        memory_bytes: what is free to be used.
    """
    found = [
        Carried(
            card.id,
            COMPLETION_TOKENS * size / weights_per_s * 1e3,
            needed := size + _cache_bytes(card) + RUNTIME_BYTES,
            needed <= memory_bytes,
        )
        for card in cards
        if (size := file_bytes(card))
    ]
    return sorted(found, key=lambda each: each.completion_ms)


def file_bytes(card: Card) -> int:
    """Size of the card's GGUF; worked out from its quantisation if not known; 0 if it has none."""
    match card.weights:
        case Wheel() | Adapted() as packed:
            return packed.bytes
        case Hub(files=(file,)) if file.name.lower().endswith(".gguf"):
            return file.bytes or int(card.parameters * _bits(file.name) / 8)
        case Hub() | Hosted():
            return 0


def weights_per_second() -> float:
    """Bytes of weights that this machine reads in a second. Takes about 0.1 s."""
    return WEIGHTS_PER_COPY * copied_per_second(min(os.cpu_count() or 1, THREADS_MAX))


def copied_per_second(threads: int) -> float:
    """Bytes that so many threads copy in a second, each in memory of its own; the best round.

    `memmove` is called without the interpreter's lock, so the threads do run at once.
    """
    pairs = [_pair() for _ in range(threads)]
    for target, origin in pairs:
        ctypes.memmove(target, origin, COPY_BYTES)  # the first touch would measure page faults
    return threads * COPY_BYTES / min(_round(pairs) for _ in range(COPY_ROUNDS))


def _round(pairs: list[Pair]) -> float:
    """Seconds until every pair was copied once, all at the same time."""
    workers = [
        threading.Thread(target=ctypes.memmove, args=(*pair, COPY_BYTES), daemon=True)
        for pair in pairs
    ]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def _pair() -> Pair:
    return ctypes.create_string_buffer(COPY_BYTES), ctypes.create_string_buffer(COPY_BYTES)


def _cache_bytes(card: Card) -> int:
    return card.architecture.kv_bytes_per_token() * CONTEXT_TOKENS if card.architecture else 0


def _bits(name: str) -> float:
    known: list[Precision] = [each for each in BITS_PER_WEIGHT if each in name.lower()]
    return BITS_PER_WEIGHT[known[0]] if known else 16.0
