"""OpenAI's API. Not run here.

Source: OpenAI API reference, "Chat" and "Embeddings".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="openai",
    features=frozenset(
        {"chat", "tools", "json_object", "json_schema", "logprobs", "choices", "penalties", "seed"}
    ),
    hosted=True,
    max_tokens="max_completion_tokens",
)
"""`complete` is for its models of old only; a replica that has one says so in `features`."""
