"""What a request asks of an engine beyond plain text, and what an engine can do.

A request goes only to replicas whose engine has every feature it needs; so nothing a caller asks
for is dropped in silence.
"""

from typing import Literal, get_args

from hansa.wire.requests import Request

Feature = Literal[
    "chat",
    "complete",
    "suffix",
    "prefill",
    "embed",
    "tools",
    "json_object",
    "json_schema",
    "logprobs",
    "choices",
    "best_of",
    "penalties",
    "top_k",
    "seed",
]
"""`suffix`: fills in the middle. `prefill`: continues a last message by the assistant. `choices`:
several answers to one request. `best_of`: weighs fillings by the suffix. The others are named after
the field that asks for them."""

FEATURES: tuple[Feature, ...] = get_args(Feature)

TEXT: frozenset[Feature] = frozenset({"chat", "complete"})
FILLS_IN: frozenset[Feature] = frozenset({"suffix"})
WEIGHS: frozenset[Feature] = frozenset({"best_of"})


def needed(request: Request) -> list[Feature]:
    """The features that `request` needs, in a stable order."""
    found: list[Feature] = []
    sampling = request.sampling
    if request.inputs:
        found.append("embed")
    else:
        found.append("chat" if request.messages else "complete")
    if request.messages and request.messages[-1].role == "assistant":
        found.append("prefill")
    if request.suffix and not request.suffix_is_hint:
        found.append("suffix")
    if request.tools:
        found.append("tools")
    if request.output is not None:
        found.append(request.output.kind)
    if sampling.logprobs is not None:
        found.append("logprobs")
    if sampling.choices > 1:
        found.append("choices")
    if sampling.best_of > 1:
        found.append("best_of")
    if sampling.presence_penalty or sampling.frequency_penalty:
        found.append("penalties")
    if sampling.top_k is not None:
        found.append("top_k")
    if sampling.seed is not None:
        found.append("seed")
    return found
