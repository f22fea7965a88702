import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.core.errors import UserError
from hansa.core.signing import SigningKey
from hansa.ledger.audit import audit
from hansa.ledger.entries import Entry, role_of
from hansa.ledger.receipts import countersign, read
from hansa.ledger.settlement import period_bounds, settle, shares_of

NOVEMBER_MS = 1_793_491_200_000  # 2026-11-01T00:00:00Z
DAY_MS = 86_400_000

SERVED = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from("abc"),
    st.sampled_from(["small", "large"]),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
    st.booleans(),
).filter(lambda each: "a" in each[:2])


def entry(world, server: str, origin: str, *, countersigned: bool = True, **changes) -> Entry:
    """A line of member a's ledger."""
    envelope, grant = world.served(server, origin, **changes)
    if countersigned and server != origin:
        envelope = countersign(world.keys[origin], envelope)
    receipt = read(envelope)
    role = role_of(receipt, "a")
    return Entry(0, role, envelope, receipt, grant, countersigned or role == "own")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(served=st.lists(SERVED, max_size=8))
def test_every_part_adds_up_to_the_last_nano_dollar(world, served) -> None:
    entries = [
        entry(
            world,
            server,
            origin,
            countersigned=signed,
            model=model,
            prompt_tokens=prompt,
            cached_tokens=0,
            completion_tokens=completion,
        )
        for server, origin, model, prompt, completion, signed in served
    ]
    statement = settle(entries, world.lookup, "all", member="a")
    counted = [each for each in entries if each.countersigned]
    total = sum(each.receipt.amount_nanousd for each in counted)
    assert statement.adds_up
    assert statement.total_nanousd == total
    assert sum(line.amount_nanousd for line in statement.lines) == total
    assert (
        sum(
            line.maker_nanousd + line.compute_nanousd + line.commons_nanousd
            for line in statement.lines
        )
        == total
    )
    assert sum(each.pays_nanousd for each in statement.balances) == total
    assert sum(each.earns_nanousd for each in statement.balances) == total
    assert sum(each.net_nanousd for each in statement.balances) == 0
    assert len(statement.pending) == len(entries) - len(counted)


def test_one_receipt_shared_out_by_hand(world) -> None:
    statement = settle([entry(world, "a", "b")], world.lookup, "all")
    (line,) = statement.lines
    assert (line.model, line.server, line.origin, line.receipts) == ("small", "a", "b", 1)
    assert (line.prompt_tokens, line.cached_tokens, line.completion_tokens) == (580, 500, 24)
    assert line.amount_nanousd == 65_200
    assert (line.maker_nanousd, line.compute_nanousd, line.commons_nanousd) == (
        19_560,
        42_380,
        3_260,
    )
    # The commons, 3,260, goes to a, b, c alike; the two left over go to a and b, by name.
    earned = {each.member: each.earns_nanousd for each in statement.balances}
    assert earned == {"a": 42_380 + 1_087, "b": 1_087, "c": 19_560 + 1_086}
    assert {each.member: each.net_nanousd for each in statement.balances}["b"] == 1_087 - 65_200
    assert statement.member == "a"


def test_receipts_are_split_one_by_one(world) -> None:
    """Splitting the sum instead would differ by rounding, and between two members' statements."""
    entries = [entry(world, "a", "b", prompt_tokens=1, cached_tokens=0) for _ in range(3)]
    statement = settle(entries, world.lookup, "all")
    parts = [shares_of(each.receipt, world.charter) for each in entries]
    assert statement.lines[0].maker_nanousd == sum(part["maker"] for part in parts)


def test_both_sides_draw_up_the_same_lines(world) -> None:
    ours = [entry(world, "a", "b"), entry(world, "b", "a")]
    theirs = [as_seen_by_b(each) for each in reversed(ours)]
    left = settle(ours, world.lookup, "all", member="a")
    right = settle(theirs, world.lookup, "all", member="b")
    assert (left.lines, left.balances) == (right.lines, right.balances)


def as_seen_by_b(each: Entry) -> Entry:
    role = role_of(each.receipt, "b")
    return Entry(each.index, role, each.envelope, each.receipt, None, each.countersigned)


def test_what_is_not_settled_is_listed_and_not_counted(world) -> None:
    false = entry(world, "a", "b")
    entries = [
        entry(world, "a", "b", countersigned=False),
        entry(world, "a", "b", charter="f" * 64),
        entry(world, "a", "b", amount_nanousd=10**9),
        Entry(0, "server", world.served("a", "b")[0], false.receipt, None, True),
        false,
    ]
    statement = settle(entries, world.lookup, "all")
    assert statement.total_nanousd == 65_200
    assert [each.reason.partition(" ")[2].partition(" ")[2] for each in statement.pending] == [
        "is not countersigned by b",
        "is under the unknown charter ffffffffffffffff",
        "charges 1000000000 nano-dollars; its tokens cost 65200 under its charter",
        "is not countersigned by b",
    ]


def test_an_origin_may_sign_after_its_keys_were_rotated(world) -> None:
    fresh = SigningKey.from_seed(b"n" * 32)
    envelope, grant = world.served("a", "b")
    late = Entry(0, "server", countersign(fresh, envelope), read(envelope), grant, True)

    def node_keys(member: str) -> tuple[str, ...]:
        return (world.keys[member].public, fresh.public) if member == "b" else ()

    assert settle([late], world.lookup, "all").total_nanousd == 0
    assert settle([late], world.lookup, "all", node_keys=node_keys).total_nanousd == 65_200
    assert audit([late], world.lookup).findings
    assert not audit([late], world.lookup, node_keys).findings


def test_an_empty_statement_adds_up(world) -> None:
    statement = settle([], world.lookup, "2026-11", member="a")
    assert statement.adds_up
    assert statement.total_nanousd == 0
    assert statement.lines == statement.balances == statement.pending == ()


def test_a_receipt_belongs_to_when_its_request_started(world) -> None:
    times = [NOVEMBER_MS - 1, NOVEMBER_MS, NOVEMBER_MS + 30 * DAY_MS - 1, NOVEMBER_MS + 30 * DAY_MS]
    entries = [entry(world, "a", "a", started_at_ms=time_ms) for time_ms in times]

    def counted(period: str) -> int:
        return sum(line.receipts for line in settle(entries, world.lookup, period).lines)

    assert counted("all") == 4
    assert counted("2026-11") == 2
    assert counted("2026-11-01") == 1
    assert counted("2026-10") == counted("2026-12") == 1


def test_periods() -> None:
    assert period_bounds("all") == (None, None)
    assert period_bounds("2026-11") == (NOVEMBER_MS, NOVEMBER_MS + 30 * DAY_MS)
    assert period_bounds("2026-11-25")[0] == NOVEMBER_MS + 24 * DAY_MS
    december, january = period_bounds("2026-12")
    assert december is not None
    assert january == december + 31 * DAY_MS
    leap = period_bounds("2028-02")
    assert leap[1] - leap[0] == 29 * DAY_MS


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-13", "2026-02-30", "2026-1", "0000-01", "9999-12", "2026-11-25T", "*"],
)
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(UserError, match="is no period"):
        period_bounds(text)


def test_an_audit_tells_pending_from_wrong(world) -> None:
    waiting = entry(world, "a", "b", countersigned=False)
    wrong = entry(world, "a", "b", amount_nanousd=1)
    refused = dataclasses.replace(waiting, refused="not my grant")
    sound = entry(world, "b", "a"), entry(world, "a", "a")
    result = audit([*sound, waiting, wrong, refused], world.lookup)
    assert result.checked == 5
    assert result.pending == (waiting.receipt.request,)
    finding, dispute = result.findings
    assert dispute.problem.endswith("was refused by b: not my grant")
    assert finding.request == wrong.receipt.request
    assert "charges 1 nano-dollars" in finding.problem


async def test_a_ledger_is_settled_as_it_lies(world, ledger) -> None:
    await ledger.record_received(world.both("c", "a"))
    await ledger.record_served(*world.served("a", "b"))
    statement = settle(await ledger.entries(), world.lookup, "all")
    assert len(statement.pending) == 1
    assert statement.total_nanousd == 65_200
