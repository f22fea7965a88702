"""Mistral's API, with its fill-in-the-middle endpoint. Not run here.

Source: Mistral API reference, "Chat", "FIM" and "Embeddings".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="mistral",
    features=frozenset(
        {"chat", "complete", "suffix", "prefill", "tools", "json_object", "json_schema", "choices",
         "penalties", "seed"}
    ),
    hosted=True,
    complete="",
    fim="/fim/completions",
    seed="random_seed",
    required="any",
    # Usage comes in the last chunk unasked; the field is refused.
    stream_options=None,
    continues_by_prefix=True,
)  # fmt: skip
