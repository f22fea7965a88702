"""How a model is prompted: what differs between models and not between engines."""

from typing import Literal

import msgspec


class FimTokens(msgspec.Struct, frozen=True):
    """Sentinels of a model trained to fill in the middle."""

    prefix: str
    suffix: str
    middle: str
    order: Literal["psm", "spm"] = "psm"
    file_separator: str = ""
    """Comes before each other file shown; empty if the model knows none."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    chat: Literal["chatml", "engine", "none"]
    """Name of the chat template, rendered on our side; `engine`: only the engine or API behind it
    can render it, so send it messages; `none`: a base model, which takes no chat."""
    system: str = ""
    """Opens a chat that has no system message; empty leaves it out."""
    fim: FimTokens | None = None
    """None: the model only continues text; the suffix then guides trimming alone."""
    stop: tuple[str, ...]
    """Strings at which generation always ends."""
    markers: tuple[str, ...] = ()
    """Control tokens its prompts hold on purpose; whoever writes them takes them out of text."""
    context_tokens: int
    chars_per_token: float
    """Mean over source code; used to budget before anything is tokenised."""
