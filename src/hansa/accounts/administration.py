"""Administrative acts, each of which is in the audit log, whoever asked for it and however."""

import os
from collections.abc import Mapping
from pathlib import Path

from hansa.accounts.audit import AuditLog, Warn, audit_path
from hansa.accounts.keys import ApiKey, KeyRing, keys_path
from hansa.accounts.scopes import ANYTHING, Scope, day_and_time
from hansa.accounts.tiers import Tier, TierLimits
from hansa.core.clock import SystemClock
from hansa.core.errors import HansaError
from hansa.wire.admin import KeyView

KEY_CREATE, KEY_REVOKE, TIER_LIMITS, DRAIN = "key_create", "key_revoke", "tier_limits", "drain"


def command_line() -> str:
    """The actor of a command: the account of the operating system that runs it."""
    return f"cli uid={os.getuid()}"


def open_administration(state_dir: Path, warn: Warn | None = None) -> "Administration":
    """For commands that manage the node of `state_dir`, whether it runs or not; `warn` is told of
    damage to the audit log."""
    clock = SystemClock()
    return Administration(
        KeyRing(keys_path(state_dir), clock), AuditLog(audit_path(state_dir), clock, warn)
    )


class Administration:
    """Makes and revokes keys of a node."""

    def __init__(self, ring: KeyRing, audit: AuditLog) -> None:
        self.ring = ring
        self.audit = audit

    def create_key(
        self,
        actor: str,
        name: str,
        tier: Tier = "free",
        scope: Scope = ANYTHING,
        *,
        expires_at_ms: int | None = None,
        admin: bool = False,
    ) -> tuple[ApiKey, str]:
        """As `KeyRing.create`; there is no key if the act cannot be put on record.

        A process killed in between leaves a key whose secret nobody was told.
        """
        key, secret = self.ring.create(name, tier, scope, expires_at_ms=expires_at_ms, admin=admin)
        try:
            self.audit.note(actor, KEY_CREATE, _details(key))
        except HansaError:
            self.ring.revoke(key.id)
            raise
        return key, secret

    def revoke_key(self, actor: str, key_id: str) -> ApiKey:
        """As `KeyRing.revoke`; the key is gone even if the act cannot be put on record."""
        known = next((each for each in self.ring.all_keys() if each.id == key_id), None)
        try:
            if known is not None:
                self.audit.note(actor, KEY_REVOKE, {"key": known.id, "name": known.name})
        finally:
            gone = self.ring.revoke(key_id)
        return gone

    def note_drain(self, actor: str) -> None:
        self.audit.note(actor, DRAIN, {})


def note_tiers(audit: AuditLog, tiers: Mapping[Tier, TierLimits]) -> bool:
    """Put the limits of a starting node on record if they are new; whether they are."""
    details = {name: " / ".join(limits.words()) for name, limits in tiers.items()}
    known = audit.last_of(TIER_LIMITS)
    if known is not None and all(known.details.get(name) == said for name, said in details.items()):
        return False
    audit.note("node", TIER_LIMITS, details)
    return True


def key_view(key: ApiKey, now_ms: int) -> KeyView:
    """A key as lists show it."""
    scope = key.scope
    return KeyView(
        key.id,
        key.name,
        key.tier,
        key.created_at_ms,
        scope.models if scope else (),
        scope.tasks if scope else (),
        scope.residency if scope else (),
        key.expires_at_ms,
        key.expires_at_ms is not None and now_ms >= key.expires_at_ms,
        key.admin,
    )


def _details(key: ApiKey) -> dict[str, str]:
    scope = key.scope or ANYTHING
    said = {
        "key": key.id,
        "name": key.name,
        "tier": key.tier,
        "models": ", ".join(scope.models),
        "tasks": ", ".join(scope.tasks),
        "residency": ", ".join(scope.residency),
        "expires": "" if key.expires_at_ms is None else day_and_time(key.expires_at_ms),
        "admin": "yes" if key.admin else "",
    }
    return {name: value for name, value in said.items() if value}
