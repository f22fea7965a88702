import base64
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import IntegrityError
from hansa.ledger.receipts import countersign, read, seal
from hansa.ledger.reconcile import Export, export_for, reconcile, within


@pytest.fixture
async def books(world, tmp_path: Path):
    """Ledgers of a and b: a served b twice, b served a once, and each has other business."""
    ledgers = {name: world.open(tmp_path / f"{name}.db", name) for name in "ab"}
    for server, origin in (("a", "b"), ("a", "b"), ("b", "a")):
        receipt, grant = world.served(server, origin)
        both = countersign(world.keys[origin], receipt)
        await ledgers[server].record_served(receipt, grant)
        await ledgers[server].record_countersigned([both])
        await ledgers[origin].record_received(both)
        await ledgers["a"].record_served(*world.served("a", "c"))
        await ledgers["b"].record_served(*world.served("b", "b"))
    yield ledgers
    for ledger in ledgers.values():
        ledger.close()


async def compare(world, books, export: Export, known=None):
    ours = await books["a"].entries()
    return reconcile(ours, export, (world.keys["b"].public,), known)


async def test_books_that_agree(world, books) -> None:
    result = await compare(world, books, await export_for(books["b"], "a"))
    assert result.ok
    assert result.agree == 3


async def test_a_member_sees_only_what_it_is_party_to(world, books) -> None:
    export = await export_for(books["a"], "b")
    receipts = [read(each.envelope) for each in export.receipts]
    assert len(receipts) == 3
    assert all("b" in (each.server, each.origin) for each in receipts)
    assert b'"c"' not in msgspec.json.encode(receipts)
    assert (await export_for(books["a"], "z")).receipts == ()


async def test_an_export_survives_the_wire(world, books) -> None:
    export = await export_for(books["b"], "a")
    assert msgspec.json.decode(msgspec.json.encode(export), type=Export) == export


async def test_what_only_one_side_has(world, books) -> None:
    lost, grant = world.served("a", "b")
    await books["a"].record_served(lost, grant)
    invented = world.both("b", "a")
    await books["b"].record_served(*world.served("b", "a"))
    assert read(invented)
    export = await export_for(books["b"], "a")
    result = await compare(world, books, export)
    assert not result.ok
    assert result.only_ours == (read(lost).request,)
    assert len(result.only_theirs) == 1
    assert result.agree == 3


async def test_an_inflated_receipt_shows_what_differs(world, books) -> None:
    receipt, grant = world.served("b", "a")
    await books["a"].record_received(countersign(world.keys["a"], receipt))
    inflated = msgspec.structs.replace(read(receipt), completion_tokens=48, amount_nanousd=72_400)
    await books["b"].record_served(seal(world.keys["b"], inflated), grant)
    result = await compare(world, books, await export_for(books["b"], "a"))
    (difference,) = result.differ
    assert difference.request == read(receipt).request
    assert difference.fields == {"completion_tokens": (24, 48), "amount_nanousd": (65_200, 72_400)}
    assert result.only_ours == result.only_theirs == ()


async def test_a_missing_countersignature_is_listed(world, books) -> None:
    receipt, grant = world.served("a", "b")
    await books["a"].record_served(receipt, grant)
    await books["b"].record_received(countersign(world.keys["b"], receipt))
    result = await compare(world, books, await export_for(books["b"], "a"))
    assert result.missing_countersignature == (read(receipt).request,)
    assert result.agree == 3


async def test_a_receipt_outside_their_log_is_listed(world, books) -> None:
    export = await export_for(books["b"], "a")
    moved = msgspec.structs.replace(export.receipts[0], index=export.receipts[1].index)
    broken = msgspec.structs.replace(export.receipts[1], proof=("zz",))
    spoiled = msgspec.structs.replace(export, receipts=(moved, broken, export.receipts[2]))
    result = await compare(world, books, spoiled)
    assert len(result.bad_proof) == 2
    assert not result.ok


async def test_a_head_must_be_signed_by_them(world, books) -> None:
    export = await export_for(books["b"], "a")
    forged = msgspec.structs.replace(export, head=books["a"].signed_head())
    with pytest.raises(IntegrityError, match="no signature"):
        await compare(world, books, forged)
    head = msgspec.structs.replace(
        export.head, payload=base64.b64encode(export.head.body() + b" ").decode()
    )
    with pytest.raises(IntegrityError):
        await compare(world, books, msgspec.structs.replace(export, head=head))


async def test_a_log_that_grew_is_told_from_one_that_was_rewritten(world, books) -> None:
    known = books["b"].head()
    await books["b"].record_served(*world.served("b", "b"))
    grown = await export_for(books["b"], "a", since_size=known.size)
    assert (await compare(world, books, grown, known)).ok
    assert (await compare(world, books, await export_for(books["b"], "a"), known)).ok

    other = msgspec.structs.replace(known, root="0" * 64)
    assert "not those it had" in (await compare(world, books, grown, other)).log
    spoiled = msgspec.structs.replace(grown, consistency=("zz",))
    assert "not hex" in (await compare(world, books, spoiled, known)).log
    larger = msgspec.structs.replace(known, size=99)
    assert "shrank from 99" in (await compare(world, books, grown, larger)).log
    same_size = msgspec.structs.replace(books["b"].head(), root="0" * 64)
    assert not (await compare(world, books, await export_for(books["b"], "a"), same_size)).ok


async def test_exports_of_a_period(world, books) -> None:
    started_ms = read((await books["b"].entries())[0].envelope).started_at_ms
    export = await export_for(books["b"], "a")
    assert within(export, None, None) == export
    assert within(export, started_ms, started_ms + 1) == export
    assert within(export, started_ms + 1, started_ms + 2).receipts == ()
    limited = await export_for(books["b"], "a", since_ms=started_ms + 1)
    assert limited.receipts == ()
