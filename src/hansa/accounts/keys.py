"""API keys: shown once when made, kept only as digests."""

import hmac
import re
import secrets
from pathlib import Path

import msgspec

from hansa.accounts.scopes import ANYTHING, Scope, day_and_time
from hansa.accounts.tiers import Tier
from hansa.core.clock import Clock
from hansa.core.digests import sha256_hex
from hansa.core.errors import (
    ConfigError,
    KeyScope,
    NotFound,
    StorageError,
    Unauthorized,
    UserError,
)
from hansa.core.files import exclusive_lock, write_atomic

PREFIX = "hansa-"
KEYS_MAX = 10_000
LOOK_AGAIN_S = 0.1
"""A key that another process revoked works this much longer: a look at the file at every request
would be a tenth of what the request costs."""

_NAME = re.compile(r"[\w.@ -]{1,64}")


class ApiKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a key. 256 random bits need no slow hash."""

    id: str
    name: str
    tier: Tier
    sha256: str
    created_at_ms: int
    scope: Scope | None = None
    """What it is held to; None: nothing."""
    expires_at_ms: int | None = None
    """From when on it is refused; None: never."""
    admin: bool = False
    """Whether it may manage keys and the node."""


def keys_path(state_dir: Path) -> Path:
    """Where a node keeps the digests of its API keys."""
    return state_dir / "keys.json"


class KeyRing:
    """The keys of one node, in one file that is replaced whole.

    A running node sees a key made or revoked by the command line at its next request.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._stamp: tuple[int, int, int] | None = None
        self._look_again_s = 0.0
        self._by_digest: dict[str, ApiKey] = {}

    def create(
        self,
        name: str,
        tier: Tier = "free",
        scope: Scope = ANYTHING,
        *,
        expires_at_ms: int | None = None,
        admin: bool = False,
    ) -> tuple[ApiKey, str]:
        """Make a key; the second part is the secret, which is not kept.

        Raises:
            UserError: a name that cannot be shown in one line, or too many keys.
        """
        if not _NAME.fullmatch(name):
            raise UserError(f"{name!r} is no name for a key", hint="use letters, digits, '-', '.'")
        secret = PREFIX + secrets.token_urlsafe(32)
        with exclusive_lock(self._path.with_suffix(".lock")):
            keys = self.all_keys()
            if len(keys) >= KEYS_MAX:
                raise UserError(f"there are {KEYS_MAX} keys already", hint="revoke some")
            key = ApiKey(
                f"key-{secrets.token_hex(4)}", name, tier, sha256_hex(secret.encode()),
                self._clock.now_ms(), None if scope == ANYTHING else scope, expires_at_ms, admin,
            )  # fmt: skip
            self._write([*keys, key])
        return key, secret

    def revoke(self, key_id: str) -> ApiKey:
        with exclusive_lock(self._path.with_suffix(".lock")):
            keys = self.all_keys()
            gone = next((key for key in keys if key.id == key_id), None)
            if gone is None:
                raise NotFound(f"no key has the id {key_id!r}", hint="see `hansa key list`")
            self._write([key for key in keys if key.id != key_id])
        return gone

    def all_keys(self) -> list[ApiKey]:
        """All keys, oldest first."""
        self._refresh()
        return list(self._by_digest.values())

    def check(self, secret: str) -> ApiKey:
        """The key that `secret` belongs to. Raises Unauthorized."""
        digest = sha256_hex(secret.encode())
        if digest not in self._by_digest or self._clock.monotonic_s() >= self._look_again_s:
            self._refresh()
        key = self._by_digest.get(digest)
        if key is None or not hmac.compare_digest(key.sha256, digest):
            raise Unauthorized(
                "no API key was sent" if not secret else "this API key is not known here",
                hint="make one with `hansa key create NAME` and send it as a bearer token",
            )
        if key.expires_at_ms is not None and self._clock.now_ms() >= key.expires_at_ms:
            raise Unauthorized(
                f"this API key expired on {day_and_time(key.expires_at_ms)}",
                hint="have another one made with `hansa key create NAME --expires 30d`",
            )
        return key

    def _refresh(self) -> None:
        self._look_again_s = self._clock.monotonic_s() + LOOK_AGAIN_S
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp == self._stamp:
                return
            data = self._path.read_bytes()
        except FileNotFoundError:
            self._stamp, self._by_digest = None, {}
            return
        except OSError as error:
            raise StorageError(f"cannot read {self._path}: {error.strerror}") from error
        try:
            keys = msgspec.json.decode(data, type=list[ApiKey])
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"{self._path} is damaged: {error}", hint="restore it, or delete it and make keys"
            ) from error
        self._stamp, self._by_digest = stamp, {key.sha256: key for key in keys}

    def check_admin(self, secret: str) -> ApiKey:
        """The key that `secret` belongs to, if it may manage the node.

        Raises:
            Unauthorized, KeyScope: it may not.
        """
        key = self.check(secret)
        if not key.admin:
            raise KeyScope(
                "this API key may not manage the node",
                scope="admin",
                hint="make one that may with `hansa key create NAME --admin`",
            )
        return key

    def _write(self, keys: list[ApiKey]) -> None:
        data = msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n"
        write_atomic(self._path, data, mode=0o600)
        self._look_again_s = 0.0
