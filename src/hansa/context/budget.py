"""How much of a prompt each part may take, counted in characters before anything is tokenised."""

from dataclasses import dataclass

CHARS_PER_TOKEN = 3.0
"""For source code, when the model is not chosen yet; low, so that a budget is not overrun."""

COMPLETE_PROMPT_TOKENS = 500
"""A small model on a CPU reads 340 to 500 tokens a second, and a cold prompt must be read once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a completion may show and generate."""

    prompt_tokens: int = COMPLETE_PROMPT_TOKENS
    chars_per_token: float = CHARS_PER_TOKEN
    snippets_max: int = 1
    single_line_tokens: int = 24
    multi_line_tokens: int = 64

    def __post_init__(self) -> None:
        assert self.prompt_tokens > 0
        assert self.chars_per_token > 0


COLD_S = 1.2
"""A prompt that is in no cache may take so long to read, the first time in a file."""

STEP_TOKENS = 500
PROMPT_TOKENS_MAX = 4_000
SNIPPETS_MAX = 6


def limits_for(prompt_tokens_per_s: float) -> Limits:
    """What may be shown to a model that reads so fast; in steps, so that it seldom changes."""
    readable = int(prompt_tokens_per_s * COLD_S) // STEP_TOKENS * STEP_TOKENS
    tokens = min(max(readable, COMPLETE_PROMPT_TOKENS), PROMPT_TOKENS_MAX)
    return Limits(prompt_tokens=tokens, snippets_max=min(tokens // STEP_TOKENS, SNIPPETS_MAX))


@dataclass(frozen=True, slots=True)
class Shares:
    """Most characters of each part; together at most the prompt's budget."""

    prefix_chars: int
    suffix_chars: int
    snippet_chars: int


def share_out(limits: Limits) -> Shares:
    """Divide the budget: what stands before the cursor gets most, retrieval a fifth."""
    total = int(limits.prompt_tokens * limits.chars_per_token)
    suffix = total // 10
    snippets = total // 5 if limits.snippets_max else 0
    return Shares(total - suffix - snippets, suffix, snippets)


def fit_lines(text: str, chars_max: int) -> str:
    """The longest run of whole leading lines of `text` within `chars_max`; may be empty."""
    if len(text) <= chars_max:
        return text
    end = text.rfind("\n", 0, chars_max + 1)
    return text[:end] if end > 0 else ""
