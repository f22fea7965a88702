"""The admin API: keys, usage and the audit log of a node, for keys that may manage it."""

from typing import Literal

import msgspec

from hansa.wire.requests import Task


class KeyWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /hansa/v1/admin/keys`. Empty lists: no such limit."""

    name: str
    tier: Literal["free", "pro", "team"] = "free"
    models: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    residency: tuple[str, ...] = ()
    expires: str = ""
    """From now, like `12h`, `30d` or `8w`; empty: never."""
    admin: bool = False


class KeyView(msgspec.Struct, frozen=True):
    """A key without its secret."""

    id: str
    name: str
    tier: str
    created_at_ms: int
    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    expires_at_ms: int | None = None
    expired: bool = False
    admin: bool = False


class MadeKey(msgspec.Struct, frozen=True):
    """The only answer that holds a secret."""

    id: str
    name: str
    tier: str
    key: str


class KeyList(msgspec.Struct, frozen=True):
    keys: tuple[KeyView, ...]


class AccountUsage(msgspec.Struct, frozen=True):
    key: str
    """The key's id; it may be revoked since."""
    name: str
    """Empty if it is revoked."""
    requests: int
    prompt_tokens: int
    completion_tokens: int
    amount_nanousd: int


class UsageView(msgspec.Struct, frozen=True):
    """What each key used in a calendar month, UTC."""

    month: str
    accounts: tuple[AccountUsage, ...]


class AuditLine(msgspec.Struct, frozen=True):
    at_ms: int
    actor: str
    act: str
    details: dict[str, str]


class AuditView(msgspec.Struct, frozen=True):
    """The newest acts, oldest first, and whether the whole log holds together."""

    entries: tuple[AuditLine, ...]
    total: int
    head: str
    """SHA-256 of the last line; keep it elsewhere to notice a log that was cut."""
    torn_bytes: int


class Draining(msgspec.Struct, frozen=True):
    status: str = "draining"
