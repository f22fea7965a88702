"""llama.cpp's own server (`llama-server`), run by somebody else; the embedded one is `llamacpp`.

Source: llama.cpp, tools/server/README.md.
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="llama-server",
    features=frozenset(
        {"chat", "complete", "prefill", "tools", "json_object", "json_schema", "logprobs",
         "penalties", "top_k", "seed"}
    ),
    chat_extra={"cache_prompt": True},
    complete_extra={"cache_prompt": True},
    adapters="scaled",
    too_long=("exceed_context_size", "exceeds the available context"),
)  # fmt: skip
