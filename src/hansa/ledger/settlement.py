"""A period's receipts, priced, shared out and netted, to the last nano-dollar."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hansa.core.errors import IntegrityError, UserError
from hansa.core.money import split_by_shares
from hansa.ledger.audit import NodeKeys, check_both
from hansa.ledger.entries import Entry
from hansa.ledger.receipts import CharterLookup
from hansa.wire.protocol import Charter, Receipt

_PERIOD = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")


class Line(msgspec.Struct, frozen=True):
    """Everything `server` served for `origin` with one model; money in nano-dollars."""

    model: str
    server: str
    origin: str
    receipts: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    amount_nanousd: int
    maker_nanousd: int
    compute_nanousd: int
    commons_nanousd: int


class Balance(msgspec.Struct, frozen=True):
    member: str
    pays_nanousd: int
    """For what its developers asked."""
    earns_nanousd: int
    """As maker, as server and from the commons."""
    net_nanousd: int
    """What it is owed; negative: what it owes."""


class Unsettled(msgspec.Struct, frozen=True):
    request: str
    server: str
    origin: str
    amount_nanousd: int
    reason: str


class Statement(msgspec.Struct, frozen=True):
    member: str
    """Whose ledger this was drawn from; it shows what this member is party to."""
    period: str
    total_nanousd: int
    lines: tuple[Line, ...]
    balances: tuple[Balance, ...]
    pending: tuple[Unsettled, ...]
    """Not signed by both sides, or not as the charter says; listed, not counted."""
    adds_up: bool
    """Lines, shares, payments and earnings each add up to the total, and the nets to zero."""


def period_bounds(period: str) -> tuple[int | None, int | None]:
    """First and past-the-end millisecond (UTC) of `2026-11`, `2026-11-25` or `all`.

    Raises:
        UserError: no such period.
    """
    if period == "all":
        return None, None
    match = _PERIOD.fullmatch(period)
    try:
        if match is None:
            raise ValueError(period)
        year, month, day = int(match[1]), int(match[2]), int(match[3] or 1)
        start = dt.datetime(year, month, day, tzinfo=dt.UTC)
        if match[3]:
            end = start + dt.timedelta(days=1)
        else:
            end = (start + dt.timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{period!r} is no period", hint="write 2026-11, 2026-11-25 or all"
        ) from error
    return int(start.timestamp()) * 1000, int(end.timestamp()) * 1000


def settle(
    entries: Iterable[Entry],
    charter_lookup: CharterLookup,
    period: str,
    *,
    member: str = "",
    node_keys: NodeKeys | None = None,
) -> Statement:
    """Draw up the statement of `period`; a receipt belongs to the time its request started.

    Args:
        charter_lookup: from a charter's digest to the charter the receipt was agreed under.
        member: whose ledger the entries are from; taken from them if empty.
        node_keys: as in `audit.check_both`.

    Raises:
        UserError: no such period.
    """
    since_ms, until_ms = period_bounds(period)
    books = _Books()
    for entry in entries:
        member = member or _ours(entry)
        started_ms = entry.receipt.started_at_ms
        if since_ms is not None and until_ms is not None and not since_ms <= started_ms < until_ms:
            continue
        try:
            _, charter = check_both(entry, charter_lookup, node_keys)
        except IntegrityError as error:
            books.leave_out(entry.receipt, error.message)
        else:
            books.count(entry.receipt, charter)
    return books.statement(member, period)


def shares_of(receipt: Receipt, charter: Charter) -> dict[str, int]:
    """Split one receipt's amount into maker, compute and commons, as its charter's terms say."""
    terms = charter.terms(receipt.model)
    if terms is None:
        raise IntegrityError(f"model {receipt.model!r} is not in the charter")
    parts = msgspec.structs.asdict(terms.shares)
    return dict(split_by_shares(receipt.amount_nanousd, parts))


@dataclass(slots=True)
class _Books:
    sums: dict[tuple[str, str, str], Counter[str]] = field(
        default_factory=dict[tuple[str, str, str], "Counter[str]"]
    )
    pays: Counter[str] = field(default_factory=Counter[str])
    earns: Counter[str] = field(default_factory=Counter[str])
    pending: list[Unsettled] = field(default_factory=list[Unsettled])

    def leave_out(self, receipt: Receipt, reason: str) -> None:
        self.pending.append(
            Unsettled(
                receipt.request, receipt.server, receipt.origin, receipt.amount_nanousd, reason
            )
        )

    def count(self, receipt: Receipt, charter: Charter) -> None:
        terms = charter.terms(receipt.model)
        assert terms is not None, "receipts.check saw the model in the charter"
        parts = shares_of(receipt, charter)
        self.pays[receipt.origin] += receipt.amount_nanousd
        self.earns[terms.maker] += parts["maker"]
        self.earns[receipt.server] += parts["compute"]
        alike = {each.id: 1 for each in charter.members}
        for name, part in split_by_shares(parts["commons"], alike).items():
            self.earns[name] += part
        line = self.sums.setdefault((receipt.model, receipt.server, receipt.origin), Counter())
        line["receipts"] += 1
        for name in ("prompt_tokens", "cached_tokens", "completion_tokens", "amount_nanousd"):
            line[name] += getattr(receipt, name)
        for name, part in parts.items():
            line[f"{name}_nanousd"] += part

    def statement(self, member: str, period: str) -> Statement:
        lines = tuple(
            Line(*name, **{each: sums[each] for each in Line.__struct_fields__[3:]})
            for name, sums in sorted(self.sums.items())
        )
        balances = tuple(
            Balance(name, self.pays[name], self.earns[name], self.earns[name] - self.pays[name])
            for name in sorted(self.pays.keys() | self.earns.keys())
        )
        total = sum(line.amount_nanousd for line in lines)
        adds_up = _adds_up(total, lines, balances)
        assert adds_up, "a statement's parts add up to its total"
        return Statement(member, period, total, lines, balances, tuple(self.pending), adds_up)


def _ours(entry: Entry) -> str:
    return entry.receipt.origin if entry.role == "origin" else entry.receipt.server


def _adds_up(total: int, lines: Iterable[Line], balances: Iterable[Balance]) -> bool:
    shares = (
        part
        for line in lines
        for part in (line.maker_nanousd, line.compute_nanousd, line.commons_nanousd)
    )
    balances = tuple(balances)
    return (
        sum(shares) == total
        and sum(each.pays_nanousd for each in balances) == total
        and sum(each.earns_nanousd for each in balances) == total
        and sum(each.net_nanousd for each in balances) == 0
    )
