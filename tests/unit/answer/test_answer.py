"""One request, one stream, one receipt, however it ends."""

import asyncio
import contextlib
import gc
from collections import Counter

import pytest

from hansa.answer import begin
from hansa.answer.answer import Answer
from hansa.core.errors import EngineError, EngineUnavailable, PolicyRefusal, UserError
from hansa.engines.mock import Mock
from hansa.wire.requests import Policy, Sampling, Snippet
from support.waiting import until

from .conftest import REPLICAS, Kit, a_request


async def test_an_answer_read_to_its_end_has_one_receipt(kit: Kit):
    chunks = await kit.read(a_request())
    assert "".join(chunk.text for chunk in chunks) == "abc"
    assert chunks[-1].finish == "stop"
    assert chunks[-1].usage
    [entry] = await kit.entries()
    assert entry.receipt.finish == "stop"
    assert entry.receipt.completion_tokens == chunks[-1].usage.completion_tokens == 3
    assert kit.recent[0].outcome == "served"
    assert kit.at_rest()


async def test_the_receipt_is_on_disk_before_the_reader_sees_the_end(kit: Kit):
    answer = await kit.answering.answer(a_request())
    async for chunk in answer.chunks:
        stored = await kit.node.ledger.entries()
        assert len(stored) == (1 if chunk.finish else 0)
    await answer.aclose()


async def test_a_replica_that_fails_before_its_first_token_is_passed_over(kit: Kit):
    kit.engines["r1"].fail_before = True
    answer = await kit.answering.answer(a_request())
    assert answer.route == "acme/r2"
    assert [chunk.text async for chunk in answer.chunks] == ["a", "b", "c", ""]
    await answer.aclose()
    [entry] = await kit.entries()
    assert entry.receipt.replica == "r2"
    assert kit.recent[0].attempts == 2
    assert kit.at_rest()


async def test_when_all_fail_the_error_can_be_tried_again_and_nothing_is_billed(kit: Kit):
    for engine in kit.engines.values():
        engine.fail_before = True
    with pytest.raises(EngineUnavailable) as caught:
        await kit.read(a_request())
    assert caught.value.retryable
    assert await kit.entries() == []
    assert kit.recent[0].outcome == "failed"
    assert kit.at_rest()


async def test_after_the_first_token_nothing_is_tried_elsewhere(kit: Kit):
    for engine in kit.engines.values():
        engine.fail_after = 2
    answer = await kit.answering.answer(a_request())
    seen: list[str] = []
    with pytest.raises(EngineError, match="broke off"):
        await _note(answer, seen)
    await answer.aclose()
    assert seen == ["a", "b"]
    assert sum(len(engine.seen) for engine in kit.engines.values()) == 1
    [entry] = await kit.entries()
    assert (entry.receipt.finish, entry.receipt.completion_tokens) == ("cancelled", 2)
    assert kit.recent[0].outcome == "failed"
    assert kit.at_rest()


async def _note(answer: Answer, seen: list[str]) -> None:
    async for chunk in answer.chunks:
        seen.append(chunk.text)  # noqa: PERF401  what came before an error counts


async def test_a_reader_that_leaves_pays_for_what_was_generated(kit: Kit):
    for engine in kit.engines.values():
        engine.gate = asyncio.Event()
    answer = await kit.answering.answer(a_request())
    assert (await anext(answer.chunks)).text == "a"
    await answer.aclose()
    [entry] = await kit.entries()
    assert (entry.receipt.finish, entry.receipt.completion_tokens) == ("cancelled", 1)
    assert kit.engines["r1"].cancelled == 1
    assert kit.recent[0].outcome == "cancelled"
    assert kit.at_rest()


async def test_closing_twice_or_after_the_end_writes_one_receipt(kit: Kit):
    answer = await kit.answering.answer(a_request())
    async for _ in answer.chunks:
        pass
    await answer.aclose()
    await answer.aclose()
    assert len(await kit.entries()) == 1
    assert len(kit.recent) == 1
    assert kit.at_rest()


async def test_an_answer_that_is_closed_unread_gives_its_place_back(kit: Kit):
    answer = await kit.answering.answer(a_request())
    assert kit.answering.gate.in_flight == 1
    await answer.aclose()
    assert kit.at_rest()
    [entry] = await kit.entries()
    assert entry.receipt.finish == "cancelled"


async def test_a_cancelled_handler_gives_its_place_back(kit: Kit):
    for engine in kit.engines.values():
        engine.gate = asyncio.Event()
    reading = asyncio.create_task(kit.read(a_request()))
    await until(lambda: bool(kit.engines["r1"].seen))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert kit.at_rest()
    assert len(await kit.entries()) == 1


class Slow(Mock):
    """Does not begin until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def stream(self, request):
        self.asked.set()
        await self.let.wait()
        async for chunk in super().stream(request):
            yield chunk


async def test_one_that_is_cancelled_before_the_first_token_gives_its_place_back(kit: Kit):
    slow = Slow()
    await slow.start()
    for replica in kit.node.fleet.local.values():
        replica.engine = slow
    asking = asyncio.create_task(kit.answering.answer(a_request()))
    await slow.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert kit.at_rest()
    assert await kit.entries() == []


async def test_a_replica_that_does_not_begin_is_given_up_for_another(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(begin, "FIRST_CHUNK_TIMEOUT_S", 0.01)
    slow = Slow()
    await slow.start()
    kit.node.fleet.local["r1"].engine = slow
    answer = await kit.answering.answer(a_request())
    assert answer.route != "acme/r1"
    await answer.aclose()
    assert kit.at_rest()


async def test_the_gate_is_bounded_and_says_to_try_again(kit: Kit):
    kit.answering.gate.limit = 2
    first, second = [await kit.answering.answer(a_request()) for _ in range(2)]
    with pytest.raises(EngineUnavailable, match="working on 2 requests already") as caught:
        await kit.answering.answer(a_request())
    assert caught.value.retryable
    await first.aclose()
    await (await kit.answering.answer(a_request())).aclose()
    await second.aclose()
    assert kit.at_rest()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefix": ""}, "nothing to answer"),
        ({"sampling": Sampling(0)}, "max_tokens is 0"),
        ({"sampling": Sampling(10**9)}, "max_tokens"),
        ({"sampling": Sampling(temperature=float("nan"))}, "temperature is nan"),
        ({"sampling": Sampling(temperature=-1)}, "temperature is -1"),
        ({"sampling": Sampling(top_p=1.1)}, "top_p is 1.1"),
        ({"sampling": Sampling(stop=("x",) * 17)}, "the number of stop strings is 17"),
        ({"id": ""}, "an id has 1 to 80"),
        ({"id": "x" * 81}, "an id has 1 to 80"),
        ({"id": "a\nb"}, "an id has 1 to 80"),
        ({"id": "\u00e9"}, "an id has 1 to 80"),
        ({"budget_ms": -5}, "budget_ms is -5"),
        ({"sampling": Sampling(stop=("",))}, "stop string must not be empty"),
        ({"snippets": (Snippet("a.py", -5, -9, "x"),)}, "lines -5--9"),
        ({"policy": Policy(residency=("x",) * 17)}, "residency is 17"),
        ({"policy": Policy(licences=("x" * 65,))}, "licences has 1 to 64"),
        ({"task": "embed"}, "takes inputs"),
    ],
)
async def test_what_nobody_could_answer_is_refused(kit: Kit, changes: dict[str, object], said: str):
    with pytest.raises(UserError, match=said):
        await kit.answering.answer(a_request(**changes))
    assert kit.recent[0].outcome == "refused"
    assert kit.at_rest()


async def test_a_refusal_by_a_rule_is_noted_as_one(kit: Kit):
    with pytest.raises(PolicyRefusal):
        await kit.answering.answer(a_request(policy=Policy(residency=("us",))))
    assert kit.recent[0].outcome == "refused"
    assert kit.at_rest()


async def test_many_at_once_have_one_receipt_each(kit: Kit):
    async def one(number: int) -> None:
        answer = await kit.answering.answer(a_request())
        with contextlib.suppress(EngineError):
            async for _ in answer.chunks:
                if number % 3 == 0:
                    break
        await answer.aclose()

    await asyncio.gather(*(one(number) for number in range(60)))
    entries = await kit.entries()
    assert len({entry.receipt.request for entry in entries}) == len(entries) == 60
    assert Counter(entry.receipt.finish for entry in entries) == {"stop": 40, "cancelled": 20}
    assert {entry.receipt.replica for entry in entries} == set(REPLICAS)
    assert kit.at_rest()


async def test_an_answer_that_is_dropped_is_not_held_for_ever(kit: Kit):
    answer = await kit.answering.answer(a_request())
    await anext(answer.chunks)
    del answer
    gc.collect()
    await until(kit.at_rest)
