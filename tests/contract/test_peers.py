"""Two and three members' nodes in one process: grants, receipts, failover, cancel, refusals."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from hansa.core.errors import HansaError, IntegrityError, PolicyRefusal
from hansa.core.ids import new_request_id
from hansa.engines.mock import Mock
from hansa.ledger.store import Ledger
from hansa.wire.protocol import GRANT_HEADER
from hansa.wire.requests import Chunk, Policy, Request, Sampling
from hansa.wire.sse import decode_events
from support.league import THREE, Made, MemberSpec, make_league
from support.nodes import Running, met, running


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Made]:
    return make_league(tmp_path, THREE)


@pytest.fixture
async def league(made: dict[str, Made]) -> AsyncGenerator[dict[str, Running]]:
    async with contextlib.AsyncExitStack() as stack:
        nodes = {
            name: await stack.enter_async_context(running(each.settings()))
            for name, each in made.items()
        }
        await met(*nodes.values())
        yield nodes


def engine(node: Running, replica: str) -> Mock:
    found = node.node.fleet.local[replica].engine
    assert isinstance(found, Mock)
    return found


def a_request(**changes: object) -> Request:
    request = Request(
        id=new_request_id(), task="complete", prefix="def add(a, b):", sampling=Sampling(16)
    )
    return msgspec.structs.replace(request, **changes)


async def ask(node: Running, request: Request) -> list[Chunk]:
    answer = await node.node.answering.answer(request)
    try:
        return [chunk async for chunk in answer.chunks]
    finally:
        await answer.aclose()


async def countersigned(ledger: Ledger, count: int) -> None:
    async with asyncio.timeout(10):
        while sum(each.countersigned for each in await ledger.entries()) < count:
            await asyncio.sleep(0)


async def test_a_request_crosses_and_both_hold_the_same_receipt(
    league: dict[str, Running],
) -> None:
    chunks = await ask(league["editor"], a_request())
    assert chunks[-1].finish == "stop"
    assert chunks[-1].receipt is None, "the client is not shown what members sign"
    await countersigned(league["compute"].node.ledger, 1)
    [ours] = await league["editor"].node.ledger.entries()
    [theirs] = await league["compute"].node.ledger.entries()
    assert (ours.role, theirs.role) == ("origin", "server")
    assert ours.envelope.payload == theirs.envelope.payload
    assert ours.countersigned
    assert ours.receipt.amount_nanousd > 0
    await countersigned(league["maker"].node.ledger, 1)
    [copy] = await league["maker"].node.ledger.entries()
    assert copy.role == "maker", "the maker's account rests on the others' signatures"
    assert copy.envelope.payload == theirs.envelope.payload
    assert await league["editor"].node.ledger.open_grants(-1000) == []


async def test_residency_is_refused_by_name(league: dict[str, Running]) -> None:
    with pytest.raises(PolicyRefusal) as caught:
        await ask(league["editor"], a_request(policy=Policy(residency=("eu",))))
    assert caught.value.rule == "residency"
    assert await league["compute"].node.ledger.entries() == []


async def test_failover_before_the_first_token(league: dict[str, Running]) -> None:
    first = await league["editor"].node.answering.answer(a_request())
    await first.aclose()
    broken = first.route.partition("/")[2]
    other = {"r1": "r2", "r2": "r1"}[broken]
    engine(league["compute"], broken).fail_before = True
    answer = await league["editor"].node.answering.answer(a_request(prefix="x = "))
    chunks = [chunk async for chunk in answer.chunks]
    await answer.aclose()
    assert chunks[-1].finish == "stop"
    assert len(engine(league["compute"], other).seen) >= 1


async def test_a_dead_peer_is_an_error_that_says_so(league: dict[str, Running]) -> None:
    for replica in ("r1", "r2"):
        engine(league["compute"], replica).fail_before = True
    with pytest.raises(HansaError) as caught:
        await ask(league["editor"], a_request())
    assert caught.value.retryable
    assert "compute" in caught.value.message


async def test_a_client_that_leaves_stops_the_work_and_pays_for_what_was_made(
    league: dict[str, Running],
) -> None:
    gate = asyncio.Event()
    for replica in ("r1", "r2"):
        engine(league["compute"], replica).pieces = ("a", "b", "c")
        engine(league["compute"], replica).gate = gate
    answer = await league["editor"].node.answering.answer(a_request())
    assert (await anext(answer.chunks)).text == "a"
    await answer.aclose()
    await countersigned(league["compute"].node.ledger, 1)
    assert sum(engine(league["compute"], each).cancelled for each in ("r1", "r2")) == 1
    [ours] = await league["editor"].node.ledger.entries()
    assert ours.receipt.finish == "cancelled"
    assert ours.receipt.completion_tokens == 1


class Inflating(Mock):
    """Counts a million tokens of prompt."""

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        async for chunk in super().stream(request):
            assert chunk.usage
            usage = msgspec.structs.replace(chunk.usage, prompt_tokens=1_000_000)
            yield msgspec.structs.replace(chunk, usage=usage)


async def test_a_receipt_that_counts_too_much_is_not_countersigned(
    league: dict[str, Running],
) -> None:
    compute = league["compute"].node
    for replica in compute.fleet.local.values():
        replica.engine = Inflating()
        await replica.engine.start()
    chunks = await ask(league["editor"], a_request())
    assert chunks[-1].finish == "stop", "the developer keeps the answer"
    assert await league["editor"].node.ledger.entries() == []
    async with asyncio.timeout(10):
        while not (entry := (await compute.ledger.entries())[0]).refused:
            await asyncio.sleep(0)
    assert "1000000 prompt tokens" in entry.refused, "it is shown to the origin, which says why not"
    assert not entry.countersigned
    assert await league["editor"].node.ledger.entries() == []


async def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as reply:
        return reply.status, await reply.read()


async def test_a_stranger_is_refused(league: dict[str, Running], tmp_path: Path) -> None:
    other = make_league(tmp_path / "other", (MemberSpec("editor"), MemberSpec("compute")))
    body = msgspec.json.encode(a_request(model="hansa-coder-135m"))
    async with running(other["editor"].settings()) as stranger:
        header = stranger.node.answering._ending._closing.grant(
            "compute", msgspec.json.decode(body, type=Request), body
        )
    url = f"{league['compute'].url}/hansa/v1/peer/answer"
    status, said = await post(url, body, {GRANT_HEADER: header})
    assert status == IntegrityError.status
    assert b"integrity_error" in said
    status, said = await post(url, body, {})
    assert status == IntegrityError.status


async def test_a_grant_is_good_once_and_for_its_own_body_only(league: dict[str, Running]) -> None:
    closing = league["editor"].node.answering._ending._closing
    request = a_request(model="hansa-coder-135m")
    body = msgspec.json.encode(request)
    header = closing.grant("compute", request, body)
    url = f"{league['compute'].url}/hansa/v1/peer/answer"
    other = msgspec.json.encode(msgspec.structs.replace(request, prefix="more"))
    status, said = await post(url, other, {GRANT_HEADER: header})
    assert (status, b"another request body" in said) == (403, True)
    status, said = await post(url, body, {GRANT_HEADER: header})
    assert status == 200
    status, said = await post(url, body, {GRANT_HEADER: header})
    assert (status, b"used before" in said) == (403, True)


async def test_a_server_that_was_killed_before_the_end_is_still_paid(
    made: dict[str, Made],
) -> None:
    """The origin is away when the answer ends; the receipt reaches it later."""
    async with running(made["compute"].settings()) as compute:
        async with running(made["editor"].settings()) as editor:
            await met(editor, compute)
            closing = editor.node.answering._ending._closing
            request = a_request(model="hansa-coder-135m")
            body = msgspec.json.encode(request)
            header = closing.grant("compute", request, body)
        status, _ = await post(f"{compute.url}/hansa/v1/peer/answer", body, {GRANT_HEADER: header})
        assert status == 200
        async with running(made["editor"].settings()) as editor:
            await countersigned(compute.node.ledger, 1)
            [ours] = await editor.node.ledger.entries()
            assert ours.receipt.request == request.id


async def test_the_native_stream_is_chunks_and_the_route_is_in_the_headers(
    league: dict[str, Running],
) -> None:
    editor = league["editor"]
    headers = {"authorization": f"Bearer {editor.key}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{editor.url}/hansa/v1/answer", data=msgspec.json.encode(a_request()), headers=headers
        ) as reply,
    ):
        assert reply.status == 200
        assert reply.headers["hansa-route"] in ("compute/r1", "compute/r2")
        assert "predicted" in reply.headers["hansa-route-reason"]
        events = [event async for event in decode_events(reply.content.iter_any())]
    chunks = [msgspec.json.decode(event.data, type=Chunk) for event in events]
    assert chunks[-1].usage is not None


async def test_the_node_names_requests_and_odd_replica_names_stay_out_of_headers(
    league: dict[str, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = league["editor"]
    headers = {"authorization": f"Bearer {editor.key}"}
    url = f"{editor.url}/hansa/v1/answer"
    monkeypatch.setattr(
        "hansa.engines.peer.PeerClient._chunk",
        lambda _self, event: msgspec.structs.replace(
            msgspec.json.decode(event.data, type=Chunk), replica="r\u00e9\r\nevil: 1"
        ),
    )
    async with aiohttp.ClientSession(headers=headers) as http:
        for id_ in ("a\nb", "\u00e9", "same", "same"):
            async with http.post(url, data=msgspec.json.encode(a_request(id=id_))) as reply:
                assert reply.status == 200
                assert reply.headers["hansa-request-id"].startswith("req-")
                assert reply.headers["hansa-route"].startswith("compute/r")
                await reply.read()
    assert editor.node.answering.gate.in_flight == 0
    assert not editor.node.fleet.peers["compute"].in_flight


async def test_a_hostile_status_does_not_end_the_conversation(
    made: dict[str, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    nested = b'{"payloadType":' + b"[" * 200_000
    asked = 0

    async def hostile(*_: object, **__: object) -> bytes:
        nonlocal asked
        asked += 1
        return nested

    monkeypatch.setattr("hansa.engines.peer.PeerClient.get", hostile)
    async with running(made["editor"].settings()) as editor, asyncio.timeout(10):
        while asked < 6:
            await asyncio.sleep(0)
        assert "no envelope" in editor.node.fleet.peers["compute"].problem


async def test_a_whole_answer_that_is_given_up_is_stopped_and_metered(
    league: dict[str, Running],
) -> None:
    for replica in ("r1", "r2"):
        engine(league["compute"], replica).pieces = ("a", "b", "c")
        engine(league["compute"], replica).gate = asyncio.Event()
    answer = await league["editor"].node.answering.answer(a_request(stream=False))
    assert answer.route in ("compute/r1", "compute/r2")
    reading = asyncio.create_task(anext(answer.chunks))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await answer.aclose()
    await countersigned(league["compute"].node.ledger, 1)
    [ours] = await league["editor"].node.ledger.entries()
    assert (ours.receipt.finish, ours.receipt.completion_tokens) == ("cancelled", 1)


async def test_a_whole_answer_may_take_longer_than_its_beginning(
    league: dict[str, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.answer.begin.FIRST_CHUNK_TIMEOUT_S", 0.5)
    gate = asyncio.Event()
    for replica in ("r1", "r2"):
        engine(league["compute"], replica).pieces = ("a", "b", "c")
        engine(league["compute"], replica).gate = gate
    answer = await league["editor"].node.answering.answer(a_request(stream=False))
    asyncio.get_running_loop().call_later(0.7, gate.set)
    chunks = [chunk async for chunk in answer.chunks]
    await answer.aclose()
    assert [chunk.text for chunk in chunks] == ["abc"]


async def test_a_client_that_leaves_before_the_first_token_stops_the_work(
    league: dict[str, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, editor = league["compute"], league["editor"]
    waiting, stopped = asyncio.Event(), asyncio.Event()

    async def never(_self: Mock, _request: Request) -> AsyncGenerator[Chunk]:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        yield Chunk()

    monkeypatch.setattr(Mock, "stream", never)
    headers = {"authorization": f"Bearer {editor.key}"}
    body = msgspec.json.encode(a_request())
    async with aiohttp.ClientSession() as http:
        asking = asyncio.create_task(
            http.post(f"{editor.url}/hansa/v1/answer", data=body, headers=headers).__aenter__()
        )
        await waiting.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with asyncio.timeout(10):
        await stopped.wait()
        while compute.node.answering.gate.in_flight or editor.node.answering.gate.in_flight:
            await asyncio.sleep(0)
