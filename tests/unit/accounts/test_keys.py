"""API keys: never on disk in the clear, seen at once by every ring, never lost."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hansa.accounts import keys as keeping
from hansa.accounts.keys import PREFIX, KeyRing
from hansa.accounts.scopes import Scope
from hansa.core.clock import SystemClock
from hansa.core.errors import (
    ConfigError,
    KeyScope,
    NotFound,
    StorageError,
    Unauthorized,
    UserError,
)

from .conftest import NOW_MS, FakeClock

CREATE = """
import sys
from pathlib import Path
from hansa.accounts.keys import KeyRing
from hansa.core.clock import SystemClock
ring = KeyRing(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    ring.create(f"{sys.argv[2]}-{number}")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "keys.json"


@pytest.fixture
def ring(path: Path) -> KeyRing:
    return KeyRing(path, SystemClock())


def test_a_key_that_was_made_is_known(ring: KeyRing):
    made, secret = ring.create("Ada's laptop".replace("'", ""), "pro")
    assert secret.startswith(PREFIX)
    assert ring.check(secret) == made
    assert (made.name, made.tier) == ("Adas laptop", "pro")
    assert ring.all_keys() == [made]


def test_the_secret_is_in_no_file(ring: KeyRing, path: Path):
    _, secret = ring.create("a")
    written = b"".join(each.read_bytes() for each in path.parent.rglob("*") if each.is_file())
    assert secret.encode() not in written
    assert secret.removeprefix(PREFIX).encode() not in written
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_differ(ring: KeyRing):
    assert len({ring.create("same")[1] for _ in range(20)}) == 20
    assert len({key.id for key in ring.all_keys()}) == 20


@pytest.mark.parametrize("secret", ["", "hansa-", "hansa-wrong", "Bearer x", "é"])
def test_what_is_no_key_is_refused(ring: KeyRing, secret: str):
    ring.create("a")
    with pytest.raises(Unauthorized) as caught:
        ring.check(secret)
    assert "hansa key create" in caught.value.hint
    assert secret == "" or secret not in caught.value.message


def test_the_digest_on_disk_is_no_key(ring: KeyRing):
    made, _ = ring.create("a")
    with pytest.raises(Unauthorized):
        ring.check(made.sha256)


def test_a_ring_that_is_open_sees_what_another_makes_and_soon_what_it_revokes(path: Path):
    clock = FakeClock()
    ring = KeyRing(path, clock)
    with pytest.raises(Unauthorized):
        ring.check("hansa-x")
    other = KeyRing(path, SystemClock())
    made, secret = other.create("a")
    assert ring.check(secret) == made
    other.revoke(made.id)
    clock.advance(0.11)
    with pytest.raises(Unauthorized):
        ring.check(secret)


def test_a_ring_that_is_open_sees_that_the_file_is_gone(ring: KeyRing, path: Path):
    _, secret = ring.create("a")
    path.unlink()
    with pytest.raises(Unauthorized):
        ring.check(secret)


def test_revoking_takes_one_key_only(ring: KeyRing):
    first, _ = ring.create("a")
    second, secret = ring.create("a")
    assert ring.revoke(first.id) == first
    assert ring.check(secret) == second
    with pytest.raises(NotFound, match=first.id) as caught:
        ring.revoke(first.id)
    assert "hansa key list" in caught.value.hint


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[2J", "x" * 65, "a\n"])
def test_a_name_that_cannot_be_shown_in_a_line_is_refused(ring: KeyRing, name: str):
    with pytest.raises(UserError, match="is no name for a key"):
        ring.create(name)
    assert ring.all_keys() == []


def test_there_is_an_end_to_keys(ring: KeyRing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeping, "KEYS_MAX", 2)
    ring.create("a")
    ring.create("b")
    with pytest.raises(UserError, match="there are 2 keys already"):
        ring.create("c")


@pytest.mark.parametrize("content", [b"", b"{}", b"[{}]", b"\xff\xfe", b'["a"', b"[1" * 10_000])
def test_a_damaged_file_is_said_and_left_alone(ring: KeyRing, path: Path, content: bytes):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for action in (lambda: ring.check("hansa-x"), ring.all_keys, lambda: ring.create("a")):
        with pytest.raises(ConfigError, match="is damaged") as caught:
            action()
        assert "restore it" in caught.value.hint
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_read_is_said(ring: KeyRing, path: Path):
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot read"):
        ring.check("hansa-x")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        KeyRing(tmp_path / "file" / "keys.json", SystemClock()).create("a")


def test_two_processes_that_make_keys_at_once_lose_none(ring: KeyRing, path: Path):
    command = [sys.executable, "-c", CREATE, str(path)]
    makers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in ("a", "b")
    ]
    for maker in makers:
        assert maker.stdout
        assert maker.stdout.readline() == b"ready\n"
    for maker in makers:
        assert maker.stdin
        maker.stdin.write(b"go\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate(timeout=60)
        assert maker.returncode == 0
    names = sorted(key.name for key in ring.all_keys())
    assert names == sorted(f"{name}-{number}" for name in "ab" for number in range(20))


def test_a_key_that_expired_is_refused_and_says_so(path: Path, clock: FakeClock):
    ring = KeyRing(path, clock)
    made, secret = ring.create("a", expires_at_ms=NOW_MS + 1000)
    assert ring.check(secret) == made
    clock.advance(1)
    with pytest.raises(Unauthorized, match="expired on 2026-11-18 11:06 UTC") as caught:
        ring.check(secret)
    assert "--expires" in caught.value.hint
    assert ring.all_keys() == [made]


def test_only_an_admin_key_is_an_admins(ring: KeyRing):
    admin, secret = ring.create("root", admin=True)
    _, plain = ring.create("dev")
    assert ring.check_admin(secret) == admin
    with pytest.raises(KeyScope, match="may not manage the node") as caught:
        ring.check_admin(plain)
    assert caught.value.scope == "admin"
    with pytest.raises(Unauthorized):
        ring.check_admin("hansa-x")


def test_a_scope_is_kept(ring: KeyRing, path: Path):
    scope = Scope(("small",), ("chat",), ("eu",))
    made, secret = ring.create("ci", "pro", scope)
    assert KeyRing(path, SystemClock()).check(secret) == made
    assert made.scope == scope


def test_a_file_of_before_scopes_is_read_and_a_plain_key_is_written_alike(
    ring: KeyRing, path: Path
):
    made, secret = ring.create("a")
    [written] = msgspec.json.decode(path.read_bytes())
    assert written.keys() == {"id", "name", "tier", "sha256", "created_at_ms"}
    assert (made.scope, made.expires_at_ms, made.admin) == (None, None, False)
    assert KeyRing(path, SystemClock()).check(secret) == made


def test_the_file_is_looked_at_ten_times_a_second_at_most(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = FakeClock()
    ring = KeyRing(path, clock)
    _, secret = ring.create("a", scope=Scope(("small",)))
    ring.check(secret)
    looks: list[Path] = []
    stat = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self: looks.append(self) or stat(self))
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    for _ in range(10):
        ring.check(secret)
    assert looks == []
    clock.advance(0.2)
    ring.check(secret)
    assert len(looks) == 1
