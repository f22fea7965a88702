"""What the model sees and what it should answer: documents in, pairs of texts out.

Prompts are written by the code that writes them when the model is served, so training and serving
cannot drift apart.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import msgspec

from hansa.context.healing import cut as cut_back
from hansa.context.templates import Neutral, render
from hansa.core.errors import UserError
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


def read_examples(path: Path) -> Iterator[Example]:
    """Examples that were kept, a line of JSON each.

    Raises:
        UserError: the file cannot be read, or a line is no example.
    """
    try:
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                yield msgspec.json.decode(line, type=Example)
            except msgspec.DecodeError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
    except OSError as error:
        raise UserError(f"cannot read the examples {path}: {error.strerror}") from error


class _Writer:
    def __init__(self, fim: Fim) -> None:
        self._fim = fim
        other = "psm" if fim.tokens.order == "spm" else "spm"
        self._usual = profile_of(fim.tokens)
        self._other = profile_of(
            msgspec.structs.replace(fim.tokens, order=other, middle=fim.other_middle)
        )
        self._plain = profile_of(None)
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


def profile_of(fim: FimTokens | None) -> Profile:
    """How a model with these sentinels, or with none, is prompted to complete."""
    return Profile(chat="none", fim=fim, stop=(END,), context_tokens=8192, chars_per_token=3.0)
