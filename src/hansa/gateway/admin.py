"""The admin API, for keys that may manage the node. Every act is in the audit log."""

import asyncio
from collections.abc import Callable

import msgspec

from hansa.accounts.administration import Administration, key_view
from hansa.accounts.keys import ApiKey, KeyRing
from hansa.accounts.scopes import expiry_ms, make_scope
from hansa.core.clock import Clock
from hansa.core.errors import Unsupported, UserError
from hansa.core.months import check_month, month_of
from hansa.gateway.call import Call, Reply
from hansa.gateway.door import Sendable, decode, door, json_reply, native_form
from hansa.gateway.router import Route
from hansa.ledger.spend import Spend
from hansa.ledger.store import Ledger
from hansa.wire import admin as wire

AUDIT_LINES = 100
AUDIT_LINES_MAX = 10_000


def routes(
    keys: KeyRing,
    administration: Administration,
    ledger: Ledger,
    clock: Clock,
    drain: Callable[[], None] | None,
) -> list[Route]:
    """The endpoints under `/hansa/v1/admin`, for the given node.

    Args:
        administration: with a ring of its own, as it is used in threads.
        drain: begins the node's orderly end; None where nobody can.
    """

    async def create(call: Call) -> Sendable:
        admin = keys.check_admin(call.secret())
        wish = decode(await call.body(), wire.KeyWish)
        scope = make_scope(wish.models, wish.tasks, wish.residency)
        until_ms = expiry_ms(wish.expires, clock.now_ms())
        made, secret = await asyncio.to_thread(
            administration.create_key, admin.id, wish.name, wish.tier, scope,
            expires_at_ms=until_ms, admin=wish.admin,
        )  # fmt: skip
        body = msgspec.json.encode(wire.MadeKey(made.id, made.name, made.tier, secret))
        return Reply(body, 201, {"cache-control": "no-store"})

    async def show(call: Call) -> Sendable:
        keys.check_admin(call.secret())
        now_ms = clock.now_ms()
        return json_reply(wire.KeyList(tuple(key_view(each, now_ms) for each in keys.all_keys())))

    async def revoke(call: Call) -> Sendable:
        admin = keys.check_admin(call.secret())
        gone = await asyncio.to_thread(administration.revoke_key, admin.id, call.path_rest)
        return json_reply(key_view(gone, clock.now_ms()))

    async def usage(call: Call) -> Sendable:
        keys.check_admin(call.secret())
        month = check_month(call.query.get("month") or month_of(clock.now_ms()))
        spent = await ledger.spent(month)
        return json_reply(usage_view(month, spent, keys.all_keys()))

    async def audit(call: Call) -> Sendable:
        keys.check_admin(call.secret())
        limit = _number(call.query.get("limit") or str(AUDIT_LINES))
        return json_reply(await asyncio.to_thread(audit_view, administration, limit))

    async def begin_drain(call: Call) -> Sendable:
        admin = keys.check_admin(call.secret())
        if drain is None:
            raise Unsupported("this node cannot be drained from here", hint="send it SIGTERM")
        await asyncio.to_thread(administration.note_drain, admin.id)
        drain()
        return json_reply(wire.Draining(), 202)

    return [
        Route("POST", "/hansa/v1/admin/keys", door(create, native_form)),
        Route("GET", "/hansa/v1/admin/keys", door(show, native_form)),
        Route("DELETE", "/hansa/v1/admin/keys/*", door(revoke, native_form)),
        Route("GET", "/hansa/v1/admin/usage", door(usage, native_form)),
        Route("GET", "/hansa/v1/admin/audit", door(audit, native_form)),
        Route("POST", "/hansa/v1/admin/drain", door(begin_drain, native_form)),
    ]


def usage_view(month: str, spent: list[Spend], keys: list[ApiKey]) -> wire.UsageView:
    """The sums of a month, most expensive first."""
    names = {key.id: key.name for key in keys}
    ordered = sorted(spent, key=lambda each: (-each.amount_nanousd, each.account))
    return wire.UsageView(
        month,
        tuple(
            wire.AccountUsage(
                each.account,
                names.get(each.account, ""),
                each.requests,
                each.prompt_tokens,
                each.completion_tokens,
                each.amount_nanousd,
            )
            for each in ordered
        ),
    )


def audit_view(administration: Administration, limit: int) -> wire.AuditView:
    """The newest acts. Raises IntegrityError if the log was changed."""
    verdict = administration.audit.verify()
    lines = tuple(
        wire.AuditLine(each.at_ms, each.actor, each.act, each.details)
        for each in administration.audit.latest(limit)
    )
    return wire.AuditView(lines, verdict.entries, verdict.head, verdict.torn_bytes)


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= AUDIT_LINES_MAX:
        raise UserError(f"limit is {text[:20]!r}; it must be from 1 to {AUDIT_LINES_MAX}")
    return int(text[:9])
