"""What each API key used in a month, kept in the same transaction as the receipts it sums up."""

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

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


def add(connection: Connection, account: str, receipt: Receipt) -> None:
    """Count one receipt for `account`; nothing without one."""
    if not account:
        return
    values = {
        "requests": 1,
        "prompt_tokens": receipt.prompt_tokens,
        "completion_tokens": receipt.completion_tokens,
        "amount_nanousd": receipt.amount_nanousd,
    }
    statement = insert(spend).values(
        account=account, month=month_of(receipt.started_at_ms), **values
    )
    grown = {name: spend.c[name] + statement.excluded[name] for name in values}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["account", "month"], set_=grown)
    )


def load(connection: Connection, month: str) -> list[Spend]:
    """Every account's sums of `month`."""
    rows = connection.execute(select(spend).where(spend.c.month == month))
    return [Spend(*row) for row in rows]
