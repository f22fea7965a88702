"""How much a model may be shown, by how fast it reads."""

import pytest

from hansa.context.budget import COMPLETE_PROMPT_TOKENS, PROMPT_TOKENS_MAX, Limits, limits_for


@pytest.mark.parametrize(
    ("rate", "tokens", "snippets"),
    [(1.0, COMPLETE_PROMPT_TOKENS, 1), (450.0, 500, 1), (1_700.0, 2_000, 4),
     (50_000.0, PROMPT_TOKENS_MAX, 6)],
)  # fmt: skip
def test_a_faster_reader_is_shown_more(rate: float, tokens: int, snippets: int) -> None:
    limits = limits_for(rate)
    assert (limits.prompt_tokens, limits.snippets_max) == (tokens, snippets)


def test_a_slow_reader_is_shown_what_is_usual() -> None:
    assert limits_for(0) == Limits()
