"""What the model sees and what it should answer: documents in, pairs of texts out.

Prompts are written by the code that writes them when the model is served, so training and serving
cannot drift apart.
"""

from collections.abc import Iterable, Iterator
from random import Random

import msgspec

from hansa.context.healing import cut as cut_back
from hansa.context.templates import Neutral, render
from hansa.models.profile import FimTokens, Profile
from hansa.training.cuts import Cut, cuts_of
from hansa.training.recipe import Fim
from hansa.wire.requests import Request

END = "<|endoftext|>"
"""Ends an answer."""

CUT_BACK = 0.75
"""Of prompts that end in white space: how many end before it, as the editor's do; others come from
callers of the API who send what is before the cursor as it is."""


class Example(msgspec.Struct, frozen=True):
    prompt: str
    answer: str


def fim_examples(texts: Iterable[str], fim: Fim, seed: int) -> Iterator[Example]:
    """Examples of filling in, in the order of `texts`; the same for the same seed."""
    writer = _Writer(fim)
    for number, text in enumerate(texts):
        rng = Random(f"{seed} {number}")  # noqa: S311  a seed is what makes a run the same again
        for cut in cuts_of(writer.neutral(text), fim, rng):
            yield writer.example(cut, rng)


class _Writer:
    def __init__(self, fim: Fim) -> None:
        self._fim = fim
        other = "psm" if fim.tokens.order == "spm" else "spm"
        self._usual = _profile(fim.tokens)
        self._other = _profile(
            msgspec.structs.replace(fim.tokens, order=other, middle=fim.other_middle)
        )
        self._plain = _profile(None)
        self.neutral = Neutral(self._usual)
        """Breaks up control tokens in a text, whose answers must not teach them."""

    def example(self, cut: Cut, rng: Random) -> Example:
        if rng.random() >= self._fim.share:
            return self._written(cut, "", self._plain, "", rng)
        other = rng.random() < self._fim.other_order
        profile = self._other if other else self._usual
        return self._written(cut, cut.suffix, profile, END, rng)

    def _written(self, cut: Cut, suffix: str, profile: Profile, end: str, rng: Random) -> Example:
        shown, typed = cut_back(cut.prefix) if rng.random() < CUT_BACK else (cut.prefix, "")
        request = Request(id="", task="complete", prefix=shown, suffix=suffix)
        return Example(render(request, profile), typed + cut.middle + end)


def _profile(fim: FimTokens | None) -> Profile:
    return Profile(chat="none", fim=fim, stop=(END,), context_tokens=8192, chars_per_token=3.0)
