"""The process that holds llama.cpp: `python -m hansa.engines.llamacpp_child`.

It reads one line of JSON (`LlamaCppConfig`) from stdin, loads the model, prints one line
`{"url": ...}` and serves until stdin closes. So it ends with the node however the node ends, and a
crash of native code ends only this process.
"""

import importlib
import os
import sys
from typing import Any

import msgspec

DRAFT_SIMPLE = 1
"""Speculation by a smaller model."""
NGRAM_SIMPLE = 6
"""Speculation that drafts from repeats in the text itself."""

NGRAM_KEY_TOKENS = 5
NGRAM_DRAFT_TOKENS = 12
"""Measured for rewrites of code on 2 cores (docs/log.md)."""

SPINS = 4000
"""Turns that a thread waits for the others before it sleeps. Left alone, libgomp spins on for so
long that whoever is waited for may not get the core: two engines on two cores, or one beside a
compiler, then take many times as long (benchmarks/shared_cores.py)."""

BATCH_TOKENS = 128
"""Read at once, and in vain when a request is given up. More is no faster (docs/log.md)."""


class DraftModel(msgspec.Struct, frozen=True):
    """A smaller model of the same vocabulary whose tokens the model only checks."""

    path: str
    """Its GGUF."""
    tokens: int = 3
    """At once, at most."""
    likely_min: float = 0.0
    """It stops before a token that is less likely than this to itself."""


class LlamaCppConfig(msgspec.Struct, frozen=True):
    """What a replica's process is told on stdin."""

    model_path: str
    threads: int
    slots: int
    context_tokens: int
    """Of each slot."""
    speculates: bool = False
    """On repeats in the text itself: for rewrites (engines/rewriting.py), gains nothing elsewhere.
    Tokens that were drafted come without their log-probability."""
    draft: DraftModel | None = None
    """Drafts instead of repeats in the text; none was measured yet (`benchmarks/draft.py`)."""


def main() -> None:
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=LlamaCppConfig)
    # Read by libgomp when it is loaded; what the operator set stays.
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
    # A native module without type information; loaded here, so that a node never loads it.
    xllamacpp: Any = importlib.import_module("xllamacpp")
    server = xllamacpp.Server(_params(xllamacpp, config))
    sys.stdout.buffer.write(msgspec.json.encode({"url": server.listening_address}) + b"\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # The model's memory goes with the process; unloading it in order takes longer than it is worth.
    os._exit(0)


def _params(xllamacpp: Any, config: LlamaCppConfig) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = config.model_path
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = config.context_tokens * config.slots
    params.n_parallel = config.slots
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cpuparams.n_threads = config.threads
    params.cpuparams_batch.n_threads = config.threads
    params.n_threads_http = config.slots + 2
    params.cache_prompt = True
    params.cache_ram_mib = 0
    params.endpoint_slots = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    if config.draft:
        _draft_by(config.draft, params)
    elif config.speculates:
        params.speculative.types = [NGRAM_SIMPLE]
        params.speculative.ngram_simple.size_n = NGRAM_KEY_TOKENS
        params.speculative.ngram_simple.size_m = NGRAM_DRAFT_TOKENS
    # Replicas of one node start together: their warm-ups would wait for each other's threads.
    params.warmup = False
    params.verbosity = 0
    return params


def _draft_by(model: DraftModel, params: Any) -> None:
    params.speculative.types = [DRAFT_SIMPLE]
    draft = params.speculative.draft
    draft.mparams.path = model.path
    draft.n_max, draft.p_min = model.tokens, model.likely_min
    draft.cache_type_k, draft.cache_type_v = params.cache_type_k, params.cache_type_v
    draft.cpuparams.n_threads = params.cpuparams.n_threads
    draft.cpuparams_batch.n_threads = params.cpuparams_batch.n_threads


if __name__ == "__main__":
    main()
