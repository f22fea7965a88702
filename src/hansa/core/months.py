"""Calendar months, UTC, as `YYYY-MM`: the periods that money is counted in."""

import datetime as dt
import re

from hansa.core.errors import UserError

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


def month_of(at_ms: int) -> str:
    """The month of a time in milliseconds since 1970."""
    return _time(at_ms).strftime("%Y-%m")


def month_end_ms(at_ms: int) -> int:
    """When the month after that of `at_ms` begins."""
    first = _time(at_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    return int(after.timestamp()) * 1000


def check_month(text: str) -> str:
    """Return `text` if it is a month; else raise UserError."""
    if not _MONTH.fullmatch(text):
        raise UserError(f"{text!r} is no month", hint="write it like 2026-11")
    return text


def _time(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
