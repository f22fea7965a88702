"""How a model is launched: what its maker, or whoever served it first, found to work."""

from typing import Literal

import msgspec

EngineName = Literal["embedded", "llama-server", "vllm", "sglang", "trtllm", "hosted"]

GPU_ENGINES: tuple[EngineName, ...] = ("vllm", "sglang", "trtllm")
"""Those that load 16 or 8 bits from the Hub; the others but `hosted` take GGUF files."""


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Speculative decoding: something cheap proposes tokens, the model checks them at once."""

    method: Literal["ngram", "draft_model"]
    tokens: int
    """Proposed at a time."""
    model: str = ""
    """Of `draft_model`: a small model with the same vocabulary, by its repository on the Hub."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    engine: EngineName
    """The one to take; others that serve it are in `also`."""
    also: tuple[EngineName, ...] = ()
    repository: str = ""
    """What a GPU engine loads, on the Hub; empty: the repository of the weights."""
    gpu: str = ""
    """A set of GPUs it is known to fit, as `hansa model plan --gpu` takes it."""
    tensor_parallel: int = 1
    """On `gpu`."""
    presharded: bool = False
    """Its weights are cut for exactly `tensor_parallel` GPUs."""
    precision: Literal["", "bf16", "fp8"] = ""
    """On `gpu`."""
    max_model_len: int = 0
    """Tokens of prompt and answer to plan for; 0: the model's whole context."""
    draft: Draft | None = None
    flags: tuple[str, ...] = ()
    """Further arguments of `engine`, as they are."""
    provider: str = ""
    """Of a hosted model: who serves it."""
    remote_name: str = ""
    """Of a hosted model: its name there."""
    note: str = ""
