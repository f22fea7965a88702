"""How long a replica would take for a request, and what it would cost."""

from dataclasses import dataclass

from hansa.core.money import NanoUsd, price_tokens
from hansa.routing.candidates import Candidate
from hansa.wire.requests import Request

CHARS_PER_TOKEN = 3.0
"""Of source code, on the low side: rather too many tokens than too few."""

RATE_MIN_PER_S = 1.0
"""No replica is believed to be slower; keeps a bad report from dividing by zero."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Milliseconds and nano-dollars a request would take at one replica."""

    network_ms: float
    queue_ms: float
    prompt_ms: float
    decode_ms: float
    cost_nanousd: NanoUsd

    @property
    def total_ms(self) -> float:
        return self.network_ms + self.queue_ms + self.prompt_ms + self.decode_ms


def predict(request: Request, candidate: Candidate) -> Prediction:
    """Estimate from the replica's own measured rates, its load and what its cache may hold."""
    replica = candidate.replica
    prompt = prompt_tokens(request)
    warm = min(int(candidate.warm_chars / CHARS_PER_TOKEN), prompt - 1)
    decode_ms = _ms(expected_tokens(request, candidate), replica.decode_tokens_per_s)
    prompt_ms = _ms(prompt - warm, replica.prompt_tokens_per_s)
    # Streams of one replica share its processor, so each one ahead costs about what ours does.
    queue_ms = replica.busy * (decode_ms + prompt_ms)
    cost = price_tokens(prompt, candidate.terms.price_input_nanousd_per_mtok) + price_tokens(
        request.sampling.max_tokens, candidate.terms.price_output_nanousd_per_mtok
    )
    return Prediction(candidate.network_ms, queue_ms, prompt_ms, decode_ms, NanoUsd(cost))


def expected_tokens(request: Request, candidate: Candidate) -> int:
    """How much will be generated: what such tasks end with, at most what is allowed."""
    allowed = request.sampling.max_tokens
    known = candidate.expected_tokens
    return allowed if known is None else max(1, min(known, allowed))


def prompt_tokens(request: Request) -> int:
    """An estimate before anything is tokenised; at least 1."""
    return max(1, int(request.prompt_chars() / CHARS_PER_TOKEN))


def _ms(tokens: int, per_s: float) -> float:
    return tokens * 1000 / max(per_s, RATE_MIN_PER_S)
