import asyncio
import sqlite3
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import ConfigError, IntegrityError, NotFound, StorageError
from hansa.core.signing import Envelope
from hansa.ledger.merkle import verify_consistency, verify_inclusion
from hansa.ledger.receipts import countersign, merge_signatures, open_head, read, seal, seal_head
from hansa.ledger.store import Ledger
from hansa.wire.protocol import TreeHead


async def test_what_is_recorded_is_there_after_reopening(world, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = world.open(path, "a")
    own, _ = world.served("a", "a")
    served, grant = world.served("a", "b")
    received = world.both("c", "a")
    await ledger.record_served(own, None)
    await ledger.record_served(served, grant)
    await ledger.record_received(received)
    before, head = await ledger.entries(), ledger.head()
    ledger.close()

    again = world.open(path, "a")
    entries = await again.entries()
    assert entries == before
    assert [(each.index, each.role, each.countersigned) for each in entries] == [
        (0, "own", True),
        (1, "server", False),
        (2, "origin", True),
    ]
    assert [each.counterparty for each in entries] == ["a", "b", "c"]
    assert entries[1].envelope == served
    assert entries[1].grant == grant
    assert entries[2].receipt == read(received)
    assert again.head() == head
    again.close()


async def test_the_same_again_is_nothing_and_another_is_refused(world, ledger) -> None:
    envelope, grant = world.served("a", "b")
    await ledger.record_served(envelope, grant)
    await ledger.record_served(envelope, grant)
    assert ledger.head().size == 1
    changed = msgspec.structs.replace(read(envelope), completion_tokens=99)
    with pytest.raises(IntegrityError, match="another receipt"):
        await ledger.record_served(seal(world.keys["a"], changed), grant)
    assert ledger.head().size == 1


async def test_many_at_once_all_land(world, ledger) -> None:
    served = [world.served("a", "b") for _ in range(300)]
    await asyncio.gather(*(ledger.record_served(*each) for each in served))
    await asyncio.gather(*(ledger.record_served(*each) for each in served))
    entries = await ledger.entries()
    assert [entry.index for entry in entries] == list(range(300))
    assert {entry.envelope for entry in entries} == {envelope for envelope, _ in served}


async def test_one_bad_receipt_does_not_hurt_its_neighbours(world, ledger) -> None:
    good = [world.served("a", "b") for _ in range(20)]
    twin = msgspec.structs.replace(read(good[3][0]), finish="length")
    bad = (seal(world.keys["a"], twin), good[3][1])
    results = await asyncio.gather(
        *(ledger.record_served(*each) for each in [*good[:10], bad, *good[10:]]),
        return_exceptions=True,
    )
    assert [type(each) for each in results if each is not None] == [IntegrityError]
    assert ledger.head().size == 20


async def test_receipts_in_the_wrong_role_are_refused(world, ledger) -> None:
    ours, grant = world.served("a", "b")
    theirs, their_grant = world.served("b", "a")
    strangers, _ = world.served("b", "c")
    _, other_grant = world.served("a", "b")
    for receipt, under, words in (
        (theirs, their_grant, "was served by b"),
        (strangers, None, "not a matter of a"),
        (ours, None, "does not belong to this grant"),
        (ours, other_grant, "does not belong to this grant"),
    ):
        with pytest.raises(IntegrityError, match=words):
            await ledger.record_served(receipt, under)
    for receipt, words in ((ours, "not of a peer"), (theirs, "not signed by both")):
        with pytest.raises(IntegrityError, match=words):
            await ledger.record_received(receipt)
    assert ledger.head().size == 0
    assert grant is not None


async def test_two_servers_of_one_hedged_request_are_both_kept(world, ledger) -> None:
    await ledger.record_received(world.both("b", "a", request="req-hedged"))
    await ledger.record_received(world.both("c", "a", request="req-hedged"))
    assert ledger.head().size == 2


async def test_countersignatures_are_kept_and_the_root_stays(world, ledger) -> None:
    served = [world.served("a", origin) for origin in ("b", "b", "c", "b")]
    for each in served:
        await ledger.record_served(*each)
    pending = await ledger.pending_countersign(2)
    assert {origin: len(each) for origin, each in pending.items()} == {"b": 2, "c": 1}
    assert pending["b"][0].receipt == served[0][0]
    assert pending["b"][0].grant == served[0][1]
    root = ledger.head().root

    signed = [countersign(world.keys["b"], served[index][0]) for index in (0, 1)]
    stranger = world.both("a", "b")
    with pytest.raises(IntegrityError, match=read(stranger).request):
        await ledger.record_countersigned([signed[0], stranger, signed[1]])
    await ledger.record_countersigned(signed)
    assert ledger.head().root == root
    entries = await ledger.entries()
    assert [entry.countersigned for entry in entries] == [True, True, False, False]
    assert entries[0].envelope == signed[0]
    assert [each.receipt for each in (await ledger.pending_countersign(5))["b"]] == [served[3][0]]


async def test_what_the_origin_refuses_holds_nothing_up(world, ledger) -> None:
    served = [world.served("a", "b") for _ in range(3)]
    for each in served:
        await ledger.record_served(*each)
    first, second, third = (read(each[0]).request for each in served)
    ledger.note_refused({first: "not my grant", second: "", "req-unknown": "x" * 1000})
    await ledger.record_countersigned([])

    async def order() -> list[str]:
        return [read(each.receipt).request for each in (await ledger.pending_countersign(9))["b"]]

    assert await order() == [third, first, second]
    reasons = [entry.refused for entry in await ledger.entries()]
    assert reasons == ["not my grant", "no reason given", ""]
    await ledger.record_countersigned([countersign(world.keys["b"], served[0][0])])
    assert await order() == [third, second]
    assert (await ledger.entries())[0].refused == ""
    ledger.note_refused({first: "changed my mind"})
    await ledger.record_countersigned([])
    assert (await ledger.entries())[0].refused == ""


async def test_an_origin_cannot_take_our_signature_away(world, ledger) -> None:
    envelope, grant = world.served("a", "b")
    await ledger.record_served(envelope, grant)
    both = countersign(world.keys["b"], envelope)
    only_theirs = msgspec.structs.replace(both, signatures=both.signatures[1:])
    await ledger.record_countersigned([only_theirs])
    (entry,) = await ledger.entries()
    assert entry.envelope == both == merge_signatures(both, only_theirs)


async def test_open_grants_wait_for_their_receipt(world, ledger) -> None:
    receipt, grant = world.served("b", "a")
    unanswered = world.grant("a", "b", "req-lost")
    refused = world.grant("a", "b", "req-refused")
    for request, each in (
        (read(receipt).request, grant),
        ("req-lost", unanswered),
        ("req-refused", refused),
    ):
        ledger.note_grant(request, each)
    ledger.forget_grant(refused)
    await ledger.record_received(countersign(world.keys["a"], receipt))
    assert await ledger.open_grants(5_000) == []
    world.clock.time_ms += 5_001
    assert await ledger.open_grants(5_000) == [unanswered]
    with pytest.raises(IntegrityError, match="is for req-lost"):
        ledger.note_grant("req-other", unanswered)


async def test_entries_of_a_time(world, ledger) -> None:
    for started_ms in (10, 20, 30):
        await ledger.record_served(world.served("a", "a", started_at_ms=started_ms)[0], None)

    async def times(**bounds: int) -> list[int]:
        return [each.receipt.started_at_ms for each in await ledger.entries(**bounds)]

    assert await times() == [10, 20, 30]
    assert await times(since_ms=20) == [20, 30]
    assert await times(until_ms=20) == [10]
    assert await times(since_ms=20, until_ms=21) == [20]


async def test_heads_prove_the_log(world, ledger) -> None:
    for _ in range(5):
        await ledger.record_served(world.served("a", "a")[0], None)
    old = ledger.head()
    for _ in range(6):
        await ledger.record_served(world.served("a", "a")[0], None)
    new = open_head(ledger.signed_head(), "a", (world.keys["a"].public,))
    roots = bytes.fromhex(old.root), bytes.fromhex(new.root)
    assert (old.size, new.size) == (5, 11)
    assert verify_consistency(5, 11, *roots, ledger.consistency_proof(5, 11))
    entry = (await ledger.entries())[3]
    proof = ledger.inclusion_proof(3, 11)
    assert verify_inclusion(entry.envelope.body(), 3, 11, proof, roots[1])


def head_of(world, size: int, root: str, signed_at_ms: int) -> Envelope:
    return seal_head(world.keys["b"], TreeHead("b", size, root * 64, signed_at_ms))


async def test_a_peer_that_rewrites_its_log_is_caught_even_later(world, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = world.open(path, "a")
    ledger.note_peer_head("b", head_of(world, 10, "1", 100))
    ledger.note_peer_head("b", head_of(world, 10, "1", 200))
    ledger.note_peer_head("b", head_of(world, 12, "2", 300))
    ledger.note_peer_head("b", head_of(world, 11, "3", 250))
    ledger.close()
    ledger = world.open(path, "a")
    assert ledger.peer_head("b") == TreeHead("b", 12, "2" * 64, 300)
    assert ledger.peer_head("c") is None
    with pytest.raises(IntegrityError, match="two different logs of 10"):
        ledger.note_peer_head("b", head_of(world, 10, "9", 400))
    with pytest.raises(IntegrityError, match="shrank to 9"):
        ledger.note_peer_head("b", head_of(world, 9, "9", 400))
    with pytest.raises(IntegrityError, match="log head of 'b'"):
        ledger.note_peer_head("c", head_of(world, 9, "9", 400))
    ledger.close()


async def test_only_so_many_heads_are_kept(world, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = world.open(path, "a")
    for size in range(100):
        ledger.note_peer_head("b", head_of(world, size, "1", size))
    ledger.close()
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT min(size), count(*) FROM peer_heads").fetchone()
    connection.close()
    assert kept == (36, 64)


TAMPERING = {
    "changed": "UPDATE receipts SET payload = replace(payload, '580', '581') WHERE position = 1",
    "garbage": "UPDATE receipts SET payload = x'00' WHERE position = 1",
    "garbled signatures": "UPDATE receipts SET signatures = '[{' WHERE position = 1",
    "removed": "DELETE FROM receipts WHERE position = 1",
    "last removed": "DELETE FROM receipts WHERE position = 2",
    "all removed": "DELETE FROM receipts",
    "renamed": "UPDATE receipts SET origin = 'c' WHERE position = 1",
    "other role": "UPDATE receipts SET role = 'own' WHERE position = 1",
    "other time": "UPDATE receipts SET started_at_ms = 5 WHERE position = 1",
    "signature claimed": "UPDATE receipts SET countersigned = 1 WHERE position = 1",
    "head changed": "UPDATE tree SET size = 2",
}


@pytest.mark.parametrize("how", TAMPERING)
@pytest.mark.parametrize("read_only", [True, False])
async def test_a_changed_file_is_refused(how: str, read_only: bool, world, tmp_path) -> None:
    path = tmp_path / "ledger.db"
    ledger = world.open(path, "a")
    for _ in range(3):
        await ledger.record_served(*world.served("a", "b"))
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute(TAMPERING[how])
    connection.close()
    with pytest.raises(IntegrityError, match="was changed since it was written"):
        world.open(path, "a", read_only=read_only)


async def test_a_reader_sees_a_living_ledger_and_cannot_write(world, ledger, tmp_path) -> None:
    await ledger.record_served(*world.served("a", "b"))
    reader = world.open(tmp_path / "ledger.db", "a", read_only=True)
    assert len(await reader.entries()) == 1
    with pytest.raises(StorageError, match="read only"):
        await reader.record_served(*world.served("a", "b"))
    reader.close()
    with pytest.raises(ConfigError, match="another process writes"):
        world.open(tmp_path / "ledger.db", "a")


async def test_files_that_are_no_ledger_of_ours(world, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ledger at"):
        world.open(tmp_path / "absent.db", "a", read_only=True)
    path = tmp_path / "ledger.db"
    world.open(path, "a").close()
    with pytest.raises(ConfigError, match="of member a, not of b"):
        world.open(path, "b")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="schema 99"):
        world.open(path, "a")
    for content in (b"no database at all" * 100,):
        (tmp_path / "other.db").write_bytes(content)
        with pytest.raises(StorageError, match="cannot write"):
            world.open(tmp_path / "other.db", "a")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        world.open(tmp_path / "file" / "ledger.db", "a")


async def test_a_closed_ledger_says_so(world, tmp_path: Path) -> None:
    ledger = world.open(tmp_path / "ledger.db", "a")
    ledger.close()
    ledger.close()
    with pytest.raises(StorageError, match="is closed"):
        await ledger.record_served(*world.served("a", "b"))


async def test_a_ledger_without_a_key_signs_nothing(world, tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db", member="a", key=None, clock=world.clock)
    with pytest.raises(ConfigError, match="without a key"):
        ledger.signed_head()
    ledger.close()
