"""Rate limits as each dialect writes them."""

import pytest

from hansa.accounts.limits import Level, Standing
from hansa.gateway.quota import duration, headers

BOTH = Standing(Level(60, 59, 1.0), Level(1000, 250, 45.0))
NOW_MS = 1_795_000_000_000


def test_openai():
    assert headers(BOTH, "openai", NOW_MS) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "250",
        "x-ratelimit-reset-tokens": "45s",
    }


def test_anthropic():
    assert headers(BOTH, "anthropic", NOW_MS) == {
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "59",
        "anthropic-ratelimit-requests-reset": "2026-11-18T11:06:41Z",
        "anthropic-ratelimit-tokens-limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "250",
        "anthropic-ratelimit-tokens-reset": "2026-11-18T11:07:25Z",
    }


def test_only_what_is_limited_is_said():
    assert headers(Standing(None, None), "openai", NOW_MS) == {}
    said = headers(Standing(None, BOTH.tokens), "openai", NOW_MS)
    assert not any("requests" in name for name in said)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0ms"), (0.0124, "12ms"), (1, "1s"), (1.54, "1.5s"), (59.99, "1m0s"), (360, "6m0s"),
        (3661.5, "61m1.5s"),
    ],
)  # fmt: skip
def test_durations_are_written_as_openai_does(seconds: float, said: str):
    assert duration(seconds) == said
