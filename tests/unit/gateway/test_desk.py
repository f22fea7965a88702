"""The desk: a key's scope and limits around every answer, however it ends."""

import asyncio
import contextlib
import random

import pytest

from hansa.accounts.limits import Limits
from hansa.accounts.scopes import Scope
from hansa.accounts.tiers import TierLimits
from hansa.core.errors import EngineError, EngineUnavailable, KeyScope, RateLimited, UserError
from hansa.gateway.desk import Desk
from hansa.gateway.stream import read_whole
from hansa.models.catalog import DEFAULT_MODEL

from .conftest import Office, a_key, a_request

PLENTY = TierLimits(1000, 100_000, 1_000_000_000)


def used(limits: Limits) -> tuple[int, int]:
    """Tokens used, and leases that are still open."""
    level = limits.standing(a_key()).tokens
    assert level
    account = limits._accounts.get("key-1")
    return level.limit - level.remaining, account.leases if account else 0


async def test_what_an_answer_used_is_settled(office: Office):
    desk, limits = office.limited(PLENTY)
    answer = await desk.begin(a_key(), a_request())
    held, leases = used(limits)
    assert (held >= 16, leases) == (True, 1)
    [*_, last] = await read_whole(answer)
    assert last.usage
    assert used(limits) == (last.usage.prompt_tokens + last.usage.completion_tokens, 0)
    [spend] = await office.node.ledger.spent(limits.month)
    assert limits.spent("key-1") == spend.amount_nanousd > 0


async def test_an_answer_says_what_is_left(office: Office):
    desk, _ = office.limited(PLENTY)
    answer = await desk.begin(a_key(), a_request(), "anthropic")
    await answer.aclose()
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "999"
    answer = await desk.begin(a_key(), a_request())
    await answer.aclose()
    assert answer.headers["x-ratelimit-remaining-requests"] == "998"


async def test_a_tier_without_limits_says_nothing(office: Office):
    desk, limits = office.limited(TierLimits())
    answer = await desk.begin(a_key(), a_request())
    await read_whole(answer)
    assert answer.headers == {}
    assert limits._accounts == {}


async def test_a_reader_that_leaves_settles_what_was_generated(office: Office):
    office.engine.gate = asyncio.Event()
    desk, limits = office.limited(PLENTY)
    answer = await desk.begin(a_key(), a_request())
    assert (await anext(answer.chunks)).text == "a"
    await answer.aclose()
    assert used(limits) == (3 + 1, 0)


async def test_an_engine_that_breaks_off_settles_too(office: Office):
    office.engine.fail_after = 2
    desk, limits = office.limited(PLENTY)
    with pytest.raises(EngineError):
        await read_whole(await desk.begin(a_key(), a_request()))
    assert used(limits) == (3 + 2, 0)


async def test_what_never_began_uses_no_tokens_but_counts_as_a_request(office: Office):
    office.engine.fail_before = True
    desk, limits = office.limited(PLENTY)
    with pytest.raises(EngineUnavailable):
        await desk.begin(a_key(), a_request())
    with pytest.raises(UserError, match="max_tokens is 0"):
        await desk.begin(a_key(), a_request(max_tokens=0))
    assert used(limits) == (0, 0)
    requests = limits.standing(a_key()).requests
    assert requests
    assert requests.remaining == 998


async def test_a_request_that_is_cancelled_before_it_begins_gives_back(office: Office):
    desk, limits = office.limited(PLENTY)
    tasks = [asyncio.create_task(desk.begin(a_key(), a_request())) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    for done in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(done, BaseException):
            await done.aclose()
    assert used(limits)[1] == 0


async def test_a_refusal_carries_the_headers_of_its_dialect(office: Office):
    desk, _ = office.limited(TierLimits(requests_per_minute=1))
    await (await desk.begin(a_key(), a_request())).aclose()
    with pytest.raises(RateLimited) as caught:
        await desk.begin(a_key(), a_request())
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(RateLimited) as caught:
        await desk.begin(a_key(), a_request(), "anthropic")
    assert caught.value.headers["anthropic-ratelimit-requests-remaining"] == "0"


async def test_a_scope_holds_before_any_limit(office: Office):
    desk, limits = office.limited(PLENTY)
    with pytest.raises(KeyScope, match="the task 'complete'"):
        await desk.begin(a_key(Scope(tasks=("chat",))), a_request())
    assert used(limits) == (0, 0)
    scope = Scope((DEFAULT_MODEL,), residency=("eu",))
    await (await desk.begin(a_key(scope), a_request())).aclose()
    assert office.engine.seen[-1].policy.residency == ("eu",)
    assert office.engine.seen[-1].model == DEFAULT_MODEL


async def test_hundreds_at_once_lose_nothing(office: Office):
    """What was settled in memory is what the ledger holds, read to the end or not."""
    desk, limits = office.limited(TierLimits(300, 0, 1_000_000_000))
    dice = random.Random(5)
    refused = 0

    async def ask(chunks: int) -> None:
        nonlocal refused
        try:
            answer = await desk.begin(a_key(), a_request())
        except RateLimited:
            refused += 1
            return
        async with contextlib.aclosing(answer):
            for _ in range(chunks):
                await anext(answer.chunks, None)

    await asyncio.gather(*(ask(dice.randrange(1, 6)) for _ in range(400)))
    await office.node.answering.close()
    assert refused == 100
    [spend] = await office.node.ledger.spent(limits.month)
    assert spend.requests == 300
    assert limits.spent("key-1") == spend.amount_nanousd
    account = limits._accounts["key-1"]
    assert (account.leases, account.held_nanousd) == (0, 0)


async def test_money_is_not_overspent_by_many_at_once(office: Office):
    desk, limits = office.limited(TierLimits(monthly_spend_nanousd=30_000))

    async def ask(own: Desk) -> None:
        with contextlib.suppress(RateLimited):
            await read_whole(await own.begin(a_key(), a_request()))

    await asyncio.gather(*(ask(desk) for _ in range(300)))
    [spend] = await office.node.ledger.spent(limits.month)
    assert 0 < spend.amount_nanousd == limits.spent("key-1") <= 30_000
