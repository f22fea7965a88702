"""The command that starts an engine as a plan says."""

import json
import shlex
from collections.abc import Sequence

from hansa.models.catalog import Card
from hansa.models.gpus import GpuSet
from hansa.models.plan import (
    CONTEXT_MIN,
    GGUF,
    GPU_MEMORY_SHARE,
    SEQUENCES_MAX,
    Fit,
    Precision,
)
from hansa.models.recipe import GPU_ENGINES, Draft, EngineName
from hansa.models.weights import Adapted, Hub, Wheel

LLAMA_SLOTS_MAX = 8
"""Each slot of llama-server reserves its whole context."""


def engines_of(card: Card, gpus: GpuSet, precision: Precision) -> list[EngineName]:
    """Engines that serve the model there at that precision, the recipe's own first."""
    known = [card.recipe.engine, *card.recipe.also]
    if precision in GGUF:
        return ["llama-server"] if "llama-server" in known and _gguf(card, precision) else []
    # TensorRT-LLM wants FP8 checkpoints that were made beforehand.
    without = () if gpus.gpu.maker == "nvidia" and precision != "fp8" else ("trtllm",)
    return [each for each in known if each in GPU_ENGINES and each not in without]


def command(card: Card, fit: Fit, engine: EngineName) -> str:
    """One shell command that starts one replica.

    Source: the arguments of vLLM 0.32; the references of `sglang.launch_server`, `trtllm-serve` and
    `llama-server`. None was run here on a GPU.
    """
    writers = {"vllm": _vllm, "sglang": _sglang, "trtllm": _trtllm, "llama-server": _llama}
    return shlex.join(writers[engine](card, fit))


def sequences_at_once(fit: Fit) -> int:
    """How many to admit: editors' requests are short, so count on 4,096 tokens each."""
    return max(1, min(SEQUENCES_MAX, fit.cache_tokens // min(CONTEXT_MIN, fit.context_tokens)))


def _vllm(card: Card, fit: Fit) -> list[str]:
    words = ["vllm", "serve", *_source(card, "--revision")]
    words += ["--served-model-name", card.id]
    words += ["--tensor-parallel-size", str(fit.tensor_parallel)]
    words += ["--max-model-len", str(fit.context_tokens)]
    words += ["--max-num-seqs", str(sequences_at_once(fit))]
    words += ["--gpu-memory-utilization", f"{GPU_MEMORY_SHARE:.2f}"]
    words += ["--enable-prefix-caching"]
    if fit.precision == "fp8":
        words += ["--quantization", "fp8"]
    if card.recipe.draft:
        words += ["--speculative-config", json.dumps(_speculation(card.recipe.draft))]
    return [*words, *_flags(card, "vllm")]


def _sglang(card: Card, fit: Fit) -> list[str]:
    words = ["python", "-m", "sglang.launch_server"]
    words += ["--model-path", *_source(card, "--revision")]
    words += ["--served-model-name", card.id]
    words += ["--tp-size", str(fit.tensor_parallel)]
    words += ["--context-length", str(fit.context_tokens)]
    words += ["--max-running-requests", str(sequences_at_once(fit))]
    words += ["--mem-fraction-static", f"{GPU_MEMORY_SHARE:.2f}"]
    if fit.precision == "fp8":
        words += ["--quantization", "fp8"]
    return [*words, *_flags(card, "sglang")]


def _trtllm(card: Card, fit: Fit) -> list[str]:
    words = ["trtllm-serve", _source(card, "")[0], "--backend", "pytorch"]
    words += ["--tp_size", str(fit.tensor_parallel)]
    words += ["--max_seq_len", str(fit.context_tokens)]
    words += ["--max_batch_size", str(sequences_at_once(fit))]
    words += ["--kv_cache_free_gpu_memory_fraction", f"{GPU_MEMORY_SHARE:.2f}"]
    return [*words, *_flags(card, "trtllm")]


def _llama(card: Card, fit: Fit) -> list[str]:
    name = _gguf(card, fit.precision)
    if isinstance(card.weights, Hub):
        words = ["llama-server", "--hf-repo", card.weights.repository, "--hf-file", name]
    else:
        words = ["llama-server", "--model", name]
    parallel = min(fit.sequences, LLAMA_SLOTS_MAX)
    words += ["--alias", card.id, "--n-gpu-layers", "999"]
    words += ["--parallel", str(parallel), "--ctx-size", str(parallel * fit.context_tokens)]
    return words


def _gguf(card: Card, precision: Precision) -> str:
    """The card's own file of that quantisation, or nothing."""
    if isinstance(card.weights, Hub):
        names = [each.name for each in card.weights.files]
    else:
        names = [card.weights.file] if isinstance(card.weights, Wheel | Adapted) else []
    return next((name for name in names if precision in name.lower()), "")


def _source(card: Card, revision_flag: str) -> Sequence[str]:
    """The repository; with its commit where the weights are loaded from the card's own."""
    weights = card.weights
    if card.recipe.repository or not isinstance(weights, Hub):
        return [card.recipe.repository]
    if weights.revision == "main":
        return [weights.repository]
    return [weights.repository, revision_flag, weights.revision]


def _speculation(draft: Draft) -> dict[str, str | int]:
    """Source: vLLM's `SpeculativeConfig`."""
    base: dict[str, str | int] = {"method": draft.method, "num_speculative_tokens": draft.tokens}
    if draft.method == "ngram":
        return {**base, "prompt_lookup_max": 4}
    return {**base, "model": draft.model}


def _flags(card: Card, engine: EngineName) -> tuple[str, ...]:
    return card.recipe.flags if engine == card.recipe.engine else ()
