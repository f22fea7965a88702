"""What each API key used in a month, kept in the same transaction as the receipts it sums up."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import Insert, insert

from hansa.core.months import month_of
from hansa.ledger.schema import spend
from hansa.wire.protocol import Receipt


class Spend(msgspec.Struct, frozen=True):
    """Sums of one account in one month."""

    account: str
    month: str
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    amount_nanousd: int = 0


_SUMMED = ("requests", "prompt_tokens", "completion_tokens", "amount_nanousd")


def _adding() -> Insert:
    statement = insert(spend)
    grown = {name: spend.c[name] + statement.excluded[name] for name in _SUMMED}
    return statement.on_conflict_do_update(index_elements=["account", "month"], set_=grown)


_ADD = _adding()


def add(connection: Connection, used: Iterable[tuple[str, Receipt]]) -> None:
    """Count receipts for the accounts beside them; those without an account for nobody."""
    sums: dict[tuple[str, str], list[int]] = {}
    for account, receipt in used:
        if account:
            counted = (1, receipt.prompt_tokens, receipt.completion_tokens, receipt.amount_nanousd)
            known = sums.setdefault((account, month_of(receipt.started_at_ms)), [0, 0, 0, 0])
            known[:] = [old + new for old, new in zip(known, counted, strict=True)]
    if sums:
        names = ("account", "month", *_SUMMED)
        connection.execute(
            _ADD, [dict(zip(names, (*key, *sums[key]), strict=True)) for key in sorted(sums)]
        )


def load(connection: Connection, month: str) -> list[Spend]:
    """Every account's sums of `month`."""
    rows = connection.execute(select(spend).where(spend.c.month == month))
    return [Spend(*row) for row in rows]
