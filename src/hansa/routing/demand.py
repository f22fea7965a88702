"""What a request asks of a replica, worked out once for all that are considered."""

import msgspec

from hansa.wire.features import Feature, needed
from hansa.wire.requests import Request

CHARS_PER_TOKEN = 3.0
"""Of source code, on the low side: rather too many tokens than too few."""


class Demand(msgspec.Struct, frozen=True):
    """A request as routing sees it."""

    request: Request
    prompt_tokens: int
    features: tuple[Feature, ...]

    @classmethod
    def of(cls, request: Request) -> "Demand":
        return cls(request, prompt_tokens(request), tuple(needed(request)))


def prompt_tokens(request: Request) -> int:
    """An estimate before anything is tokenised; at least 1."""
    return max(1, int(request.prompt_chars() / CHARS_PER_TOKEN))
