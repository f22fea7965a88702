"""Ollama's OpenAI-compatible API. Not run here.

Source: Ollama documentation, "OpenAI compatibility".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="ollama",
    features=frozenset(
        {"chat", "complete", "suffix", "tools", "json_object", "json_schema", "penalties", "seed"}
    ),
    health="/api/version",
    fim="/completions",
    adapters="",
)
"""It renders a model's own template, so a suffix is sent as one."""
