"""Whether a model fits a set of GPUs, split how, with room for how much text: pure arithmetic.

What is exact: bytes of weights and of cache, from the architecture. What is an estimate: the room
an engine needs beside them (`workspace_bytes`). A plan that fits narrowly is worth a try, no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hansa.core.errors import UserError
from hansa.models.architecture import Architecture
from hansa.models.catalog import Card
from hansa.models.gpus import MIB, GpuSet
from hansa.models.recipe import GPU_ENGINES

Precision = Literal["bf16", "fp8", "q8_0", "q5_k_m", "q4_k_m"]

BITS_PER_WEIGHT: dict[Precision, float] = {
    "bf16": 16.0,
    "fp8": 8.0,
    "q8_0": 8.5,
    "q5_k_m": 5.69,
    "q4_k_m": 4.89,
}
"""Source: llama.cpp, examples/quantize (for the mixed ones: of a Llama 3.1 8B)."""

GGUF: tuple[Precision, ...] = ("q8_0", "q5_k_m", "q4_k_m")
"""What llama.cpp serves, here from one GPU; a plan falls back on them if nothing else fits, and
begins with them where no engine of the recipe loads anything else."""

GPU_MEMORY_SHARE = 0.90
"""What the engine may take of each GPU; the rest is the driver's and the collectives'."""

RUNTIME_BYTES = 2 * 1024 * MIB
"""On each GPU, for the context, captured graphs and NCCL's buffers. An estimate."""

BATCHED_TOKENS = 8192
"""Prompt tokens computed at once. Source: vLLM's default for a server on 80 GB and more."""

SEQUENCES_MAX = 256
"""Source: vLLM's default on GPUs under 70 GiB; more than a coding assistant has per replica."""

CONTEXT_MIN = 4096
"""A replica with less room than this for one request is of no use to an editor."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One precision on one set of GPUs."""

    precision: Precision
    fits: bool
    tensor_parallel: int
    """GPUs that share one replica."""
    replicas: int
    """How many such replicas the set holds."""
    weights_bytes: int
    kv_bytes_per_token: int
    """On all GPUs of one replica together."""
    cache_tokens: int
    """Tokens that all sequences of one replica together may hold."""
    context_tokens: int
    """For one sequence, prompt and answer."""
    sequences: int
    """At once, each with its full context."""
    needs_bytes: int
    """On one replica's GPUs together, to serve one sequence of `context_tokens`."""
    has_bytes: int
    """What the engine may take there."""
    token_ms_min: float
    """A lower bound for one token: the active weights read once from memory."""


@dataclass(frozen=True, slots=True)
class Plan:
    model: str
    gpus: str
    fits: tuple[Fit, ...]
    """One for each precision."""
    best: Fit
    """The first that holds the whole context, else the one that holds most, else the nearest."""

    @property
    def possible(self) -> bool:
        return self.best.fits


def plan(
    card: Card,
    gpus: GpuSet,
    *,
    precision: Precision | None = None,
    context: int = 0,
    tensor_parallel: int = 0,
) -> Plan:
    """Work out how `card` would be served on `gpus`.

    Args:
        precision: only this one; else all, and the best that fits and is served.
        context: tokens of prompt and answer that one request may take; 0 is the recipe's.
        tensor_parallel: GPUs of one replica; 0: as few as hold the context. More answer sooner.

    Raises:
        UserError: a hosted model, a context it does not have, or a split it cannot take.
    """
    if card.architecture is None:
        raise UserError(
            f"{card.id} is hosted by {card.maker}; there is nothing to place on a GPU",
            hint="`hansa model card` shows how it is reached",
        )
    most = card.profile.context_tokens
    wanted = context or card.recipe.max_model_len or most
    if not 1 <= wanted <= most:
        raise UserError(f"{card.id} has no context of {wanted:,} tokens", hint=f"1 to {most:,}")
    splits = _splits(card, card.architecture, gpus, tensor_parallel)
    chosen = (precision,) if precision else tuple(BITS_PER_WEIGHT)
    fits = tuple(_fit(card, card.architecture, gpus, each, wanted, splits) for each in chosen)
    in_gguf = not {card.recipe.engine, *card.recipe.also} & set(GPU_ENGINES)
    preferred = [each for each in fits if each.fits and (each.precision in GGUF) == in_gguf]
    return Plan(card.id, str(gpus), fits, _best(preferred or fits, wanted))


def weights_bytes(parameters: int, embedding_parameters: int, precision: Precision) -> int:
    """Bytes of a model's weights in memory.

    FP8 leaves the embeddings at 16 bits. Source: vLLM's FP8 quantises linear layers alone.
    """
    if precision == "fp8":
        return parameters - embedding_parameters + 2 * embedding_parameters
    return int(parameters * BITS_PER_WEIGHT[precision] / 8)


def workspace_bytes(shape: Architecture, tensor_parallel: int, batched_tokens: int) -> int:
    """Room on one GPU for activations of the largest batch, its logits, and the runtime.

    An estimate: residual stream and attention take about six vectors of `hidden` a token, the
    feed-forward two of `intermediate` (of each active expert), in 16 bits; logits are 32 bits wide.
    """
    active = max(1, shape.experts_active)
    per_token = 6 * shape.hidden + 2 * active * shape.intermediate // tensor_parallel
    logits = SEQUENCES_MAX * shape.vocabulary * 4
    return RUNTIME_BYTES + batched_tokens * per_token * 2 + logits


def _splits(card: Card, shape: Architecture, gpus: GpuSet, asked: int) -> list[int]:
    """Numbers of GPUs that one replica may take, smallest first; more than there are if it must."""
    if card.recipe.presharded:
        possible = [card.recipe.tensor_parallel]
    else:
        possible = [each for each in range(1, gpus.count + 1) if shape.splits(each)]
    if asked and asked not in possible:
        raise UserError(
            f"{card.id} cannot be split over {asked} of {gpus}",
            hint=f"it can be over {', '.join(map(str, possible))}",
        )
    return [asked] if asked else possible


def _fit(
    card: Card,
    shape: Architecture,
    gpus: GpuSet,
    precision: Precision,
    wanted: int,
    splits: list[int],
) -> Fit:
    """The smallest split that holds `wanted` tokens; else the one that holds most."""
    usable = [1] if precision in GGUF else splits
    tries = [_on(card, shape, gpus, precision, wanted, each) for each in usable]
    return _best(tries, wanted)


def _on(
    card: Card,
    shape: Architecture,
    gpus: GpuSet,
    precision: Precision,
    wanted: int,
    tensor_parallel: int,
) -> Fit:
    weights = weights_bytes(card.parameters, shape.embedding_parameters, precision)
    active = weights_bytes(card.active, shape.embedding_parameters, precision)
    room = int(gpus.gpu.memory_bytes * GPU_MEMORY_SHARE)
    fixed = weights // tensor_parallel + workspace_bytes(shape, tensor_parallel, BATCHED_TOKENS)
    per_token = shape.kv_bytes_per_token(tensor_parallel=tensor_parallel)
    cache_tokens = max(0, room - fixed) // per_token
    fits = tensor_parallel <= gpus.count and cache_tokens >= min(CONTEXT_MIN, wanted)
    context = min(wanted, cache_tokens) if fits else 0
    return Fit(
        precision=precision,
        fits=fits,
        tensor_parallel=tensor_parallel,
        replicas=gpus.count // tensor_parallel if fits else 0,
        weights_bytes=weights,
        kv_bytes_per_token=per_token * tensor_parallel,
        cache_tokens=cache_tokens if fits else 0,
        context_tokens=context,
        sequences=cache_tokens // context if fits else 0,
        needs_bytes=(fixed + per_token * (context or min(CONTEXT_MIN, wanted))) * tensor_parallel,
        has_bytes=room * min(tensor_parallel, gpus.count),
        token_ms_min=active / tensor_parallel / (gpus.gpu.bandwidth_gb_per_s * 1e9) * 1e3,
    )


def _best(fits: Sequence[Fit], wanted: int) -> Fit:
    whole = next((each for each in fits if each.fits and each.context_tokens == wanted), None)
    return whole or max(fits, key=lambda each: (each.fits, each.context_tokens, -_lacks(each)))


def _lacks(each: Fit) -> int:
    return max(0, each.needs_bytes - each.has_bytes)
