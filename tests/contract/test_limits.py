"""Limits and scopes as the official OpenAI SDK meets them."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import openai
import pytest

from hansa.accounts.keys import KeyRing, keys_path
from hansa.accounts.scopes import Scope
from hansa.core.clock import SystemClock
from hansa.core.months import month_of
from hansa.models.catalog import DEFAULT_MODEL
from support.league import MemberSpec, make_league
from support.nodes import Running, met, new_key, running

TABLES = """
[tier.free]
requests_per_minute = 2
tokens_per_minute = 100000
[tier.pro]
monthly_spend_usd = "0.00002"
"""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    made.config.write_text(made.config.read_text() + TABLES)
    async with running(made.settings()) as up:
        yield up


def sdk(node: Running, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{node.url}/v1", api_key=key, max_retries=0)


async def test_requests_over_the_limit(node: Running) -> None:
    async with sdk(node, new_key(node.node.settings, "free")) as client:
        for left in ("1", "0"):
            raw = await client.completions.with_raw_response.create(model="auto", prompt="x")
            assert raw.headers["x-ratelimit-limit-requests"] == "2"
            assert raw.headers["x-ratelimit-remaining-requests"] == left
            assert raw.headers["x-ratelimit-limit-tokens"] == "100000"
        with pytest.raises(openai.RateLimitError, match="2 requests a minute") as caught:
            await client.completions.create(model="auto", prompt="x")
    error = caught.value
    assert (error.code, error.type) == ("rate_limited", "rate_limit_error")
    assert 25 <= int(error.response.headers["retry-after"]) <= 31
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-should-retry" not in error.response.headers


async def test_a_stream_says_what_is_left(node: Running) -> None:
    async with sdk(node, new_key(node.node.settings, "free")) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": "x"}], stream=True
        )
        assert raw.headers["x-ratelimit-remaining-requests"] == "1"
        assert [chunk async for chunk in raw.parse()]


async def test_a_team_is_not_limited(node: Running) -> None:
    async with sdk(node, node.key) as client:
        asked = (
            client.completions.with_raw_response.create(model="auto", prompt="x") for _ in range(20)
        )
        for raw in await asyncio.gather(*asked):
            assert not [name for name in raw.headers if name.startswith("x-ratelimit")]


async def test_the_months_money_is_spent(node: Running) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{node.url}/v1", api_key=new_key(node.node.settings, "pro")
    ) as client:
        with pytest.raises(openai.RateLimitError, match=r"of its .* this month") as caught:
            await spend_all(client)
    error = caught.value
    assert (error.code, error.type) == ("spend_limit", "insufficient_quota")
    assert int(error.response.headers["retry-after"]) >= 1
    assert error.response.headers["x-should-retry"] == "false"


async def test_a_scope_is_a_permission_denied(node: Running) -> None:
    ring = KeyRing(keys_path(node.node.settings.state_dir), SystemClock())
    _, secret = ring.create("ci", "team", Scope(("other",), ("chat",)))
    async with sdk(node, secret) as client:
        with pytest.raises(openai.PermissionDeniedError, match="scope: tasks") as caught:
            await client.completions.create(model="other", prompt="x")
        assert caught.value.code == "key_scope"
        with pytest.raises(openai.PermissionDeniedError, match="scope: models"):
            await client.chat.completions.create(
                model=DEFAULT_MODEL, messages=[{"role": "user", "content": "x"}]
            )
        assert [model.id async for model in client.models.list()] == []


async def test_an_expired_key_says_so(node: Running) -> None:
    ring = KeyRing(keys_path(node.node.settings.state_dir), SystemClock())
    _, secret = ring.create("old", "team", expires_at_ms=1_000_000_000_000)
    async with sdk(node, secret) as client:
        with pytest.raises(openai.AuthenticationError, match="expired on 2001-09-09"):
            await client.models.list()


async def test_what_another_member_served_is_spent_here(tmp_path: Path) -> None:
    specs = (MemberSpec("serving", replicas=("r1",)), MemberSpec("asking"))
    made = make_league(tmp_path, specs)
    made["asking"].config.write_text(made["asking"].config.read_text() + TABLES)
    async with (
        running(made["serving"].settings()) as serving,
        running(made["asking"].settings()) as asking,
    ):
        await met(serving, asking)
        async with sdk(asking, new_key(asking.node.settings, "pro")) as client:
            with pytest.raises(openai.RateLimitError) as caught:
                await spend_all(client)
        assert caught.value.code == "spend_limit"
        [spent] = await asking.node.ledger.spent(month_of(SystemClock().now_ms()))
        assert spent.requests > 1
        assert 10_000 < spent.amount_nanousd <= 20_000
        assert await serving.node.ledger.spent(spent.month) == []


async def spend_all(client: openai.AsyncOpenAI) -> None:
    """Ask until it is refused."""
    for _ in range(1000):
        await client.completions.create(model="auto", prompt="x", max_tokens=16)
