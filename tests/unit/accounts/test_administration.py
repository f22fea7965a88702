"""No administrative act without its line in the audit log."""

from pathlib import Path

import pytest

from hansa.accounts.administration import Administration, note_tiers
from hansa.accounts.audit import AuditLog
from hansa.accounts.keys import KeyRing
from hansa.accounts.scopes import Scope
from hansa.accounts.tiers import TierLimits
from hansa.core.errors import NotFound, StorageError

from .conftest import NOW_MS, FakeClock


@pytest.fixture
def administration(tmp_path: Path, clock: FakeClock) -> Administration:
    return Administration(
        KeyRing(tmp_path / "keys.json", clock), AuditLog(tmp_path / "audit.jsonl", clock)
    )


def break_audit(administration: Administration) -> None:
    administration.audit._path.unlink(missing_ok=True)
    administration.audit._path.mkdir()


def test_a_key_is_made_and_revoked_on_record(administration: Administration, tmp_path: Path):
    scope = Scope(("small",), ("chat",), ("eu",))
    key, secret = administration.create_key(
        "key-root", "ci", "pro", scope, expires_at_ms=NOW_MS + 1, admin=True
    )
    administration.revoke_key("key-root", key.id)
    made, gone = administration.audit.latest(10)
    assert (made.actor, made.act) == ("key-root", "key_create")
    assert made.details == {
        "key": key.id, "name": "ci", "tier": "pro", "models": "small", "tasks": "chat",
        "residency": "eu", "expires": "2026-11-18 11:06 UTC", "admin": "yes",
    }  # fmt: skip
    assert (gone.act, gone.details) == ("key_revoke", {"key": key.id, "name": "ci"})
    written = (tmp_path / "audit.jsonl").read_text()
    assert secret not in written
    assert key.sha256 not in written


def test_without_a_record_there_is_no_key(administration: Administration):
    break_audit(administration)
    with pytest.raises(StorageError):
        administration.create_key("cli", "ci")
    assert administration.ring.all_keys() == []


def test_a_key_is_revoked_even_if_nothing_can_be_written(administration: Administration):
    key, _ = administration.create_key("cli", "ci")
    break_audit(administration)
    with pytest.raises(StorageError):
        administration.revoke_key("cli", key.id)
    assert administration.ring.all_keys() == []


def test_revoking_nothing_is_no_act(administration: Administration):
    with pytest.raises(NotFound):
        administration.revoke_key("cli", "key-none")
    assert administration.audit.latest(10) == []


def test_limits_are_noted_when_they_change(administration: Administration):
    audit = administration.audit
    assert note_tiers(audit, {"free": TierLimits(5), "team": TierLimits()})
    assert not note_tiers(audit, {"free": TierLimits(5), "team": TierLimits()})
    assert note_tiers(audit, {"free": TierLimits(6), "team": TierLimits()})
    assert [each.details["free"] for each in audit.latest(5)] == [
        "5 / no limit / no limit",
        "6 / no limit / no limit",
    ]
