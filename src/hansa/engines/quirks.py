"""What differs between engines that speak OpenAI's API, as data: one value an engine."""

from dataclasses import dataclass, field
from typing import Any, Literal

from hansa.wire.features import Feature

_TEXT: frozenset[Feature] = frozenset({"chat", "complete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How one kind of engine wants to be asked. Paths come after the base address."""

    kind: str
    features: frozenset[Feature] = _TEXT
    """What it can do with a model that can; `suffix` is added where the model's card has a
    fill-in-the-middle template and `complete` is there."""
    hosted: bool = False
    """An API of a provider: only whether it can be reached is looked at, requests show the rest."""
    health: str = "/health"
    """Answers 200 when the engine serves; looked for at the origin, not under the base."""
    chat: str = "/chat/completions"
    complete: str = "/completions"
    embed: str = "/embeddings"
    fim: str = ""
    """An endpoint that takes prefix and suffix apart."""
    max_tokens: str = "max_tokens"
    seed: str = "seed"
    required: str = "required"
    """The word for "some tool has to be called"."""
    stream_options: dict[str, Any] | None = field(default_factory=lambda: {"include_usage": True})
    chat_extra: dict[str, Any] = field(default_factory=dict[str, Any])
    complete_extra: dict[str, Any] = field(default_factory=dict[str, Any])
    continues: dict[str, Any] = field(default_factory=dict[str, Any])
    """Sent with a chat whose last message is the assistant's, to have it continued."""
    continues_by_prefix: bool = False
    """The last message itself says that it is to be continued, in `prefix`."""
    adapters: Literal["", "loaded", "scaled"] = ""
    """`loaded`: through an endpoint, then asked for as a model; `scaled`: named in each request."""
    load_adapter: str = ""
    """Where adapters are loaded; at the origin, like `health`."""
    too_long: tuple[str, ...] = ("maximum context length", "context_length_exceeded", "too long")
    """What its error says when a prompt does not fit."""
