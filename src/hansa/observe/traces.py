"""Which trace a request belongs to, as W3C's `traceparent` says it; unset where none are written.

A request's span is written when it ends, but others are asked before that, so its id is made when
the request comes. Source: W3C "Trace Context", section 3.2.
"""

import re
import secrets
from contextvars import ContextVar

HEADER = "traceparent"

PARENT: ContextVar[str] = ContextVar("traceparent", default="")
"""The `traceparent` header of the request that this task works for."""

OWN: ContextVar[str] = ContextVar("own_traceparent", default="")
"""The same for what this task asks of others: its parent is the request's own span."""

SAMPLED = "01"

_FORM = re.compile(
    r"(?:00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})"
    r"|(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?)"
)


def own_traceparent(parent: str) -> str:
    """A fresh span in the caller's trace, or in a new one if `parent` names none."""
    span = secrets.token_hex(8)
    if (known := _FORM.fullmatch(parent)) is None:
        return f"00-{secrets.token_hex(16)}-{span}-{SAMPLED}"
    trace, flags = known[1] or known[3], known[2] or known[4]
    return f"00-{trace}-{span}-{flags}"


def ids_of(own: str) -> tuple[int, int]:
    """The ids of trace and span that `own_traceparent` made."""
    _, trace, span, _ = own.split("-")
    return int(trace, 16), int(span, 16)


def passed_on() -> list[tuple[str, str]]:
    """The header for an engine or a node that is asked, if traces are written."""
    own = OWN.get()
    return [(HEADER, own)] if own else []
