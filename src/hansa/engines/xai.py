"""xAI's API. Not run here.

Source: xAI API reference, "Chat completions".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="xai",
    features=frozenset(
        {"chat", "tools", "json_object", "json_schema", "logprobs", "choices", "seed"}
    ),
    hosted=True,
)
