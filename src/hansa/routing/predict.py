"""How long a replica would take for a request, and what it would cost."""

import msgspec

from hansa.core.money import NanoUsd, price_tokens
from hansa.routing.candidates import Candidate
from hansa.routing.demand import CHARS_PER_TOKEN, Demand
from hansa.wire.requests import Request

RATE_MIN_PER_S = 1.0
"""No replica is believed to be slower; keeps a bad report from dividing by zero."""


class Prediction(msgspec.Struct, frozen=True):
    """Milliseconds and nano-dollars a request would take at one replica."""

    network_ms: float
    queue_ms: float
    prompt_ms: float
    decode_ms: float
    cost_nanousd: NanoUsd

    @property
    def total_ms(self) -> float:
        return self.network_ms + self.queue_ms + self.prompt_ms + self.decode_ms


def predict(demand: Demand, candidate: Candidate) -> Prediction:
    """Estimate from the replica's own measured rates, its load and what its cache may hold."""
    request, replica, prompt = demand.request, candidate.replica, demand.prompt_tokens
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


def _ms(tokens: int, per_s: float) -> float:
    return tokens * 1000 / max(per_s, RATE_MIN_PER_S)
