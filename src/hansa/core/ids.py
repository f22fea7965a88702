"""Names of things, as distinct types so that one is not passed for another."""

import re
from typing import NewType

from hansa.core.errors import ConfigError
from hansa.core.randomness import Pool

MemberId = NewType("MemberId", str)
ReplicaId = NewType("ReplicaId", str)
ModelId = NewType("ModelId", str)
RequestId = NewType("RequestId", str)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


_pool = Pool()


def fresh_nonce() -> str:
    """128 random bits that were never used before, in hex; also fit for a salt."""
    return _pool.hex(16)


def new_request_id() -> RequestId:
    """A fresh id, 128 random bits."""
    return RequestId(f"req-{_pool.hex(16)}")


def is_name(value: str) -> bool:
    """Whether `value` can name a member, replica or model."""
    return _NAME.fullmatch(value) is not None


def check_name(value: str, what: str) -> str:
    """Return `value` if it can name a member, replica or model; else raise ConfigError."""
    if not _NAME.fullmatch(value):
        raise ConfigError(
            f"{value!r} is no name for a {what}",
            hint="use 1 to 64 of a-z, 0-9, '.', '_', '-', with a letter or digit at both ends",
        )
    return value
