"""Canonical JSON and digests: what gets signed, and how it is named."""

import hashlib
from typing import Any, TypeVar

import msgspec
import rfc8785

from hansa.core.errors import IntegrityError

T = TypeVar("T")


def canonical_json(value: Any) -> bytes:
    """Encode a msgspec Struct or plain JSON value as RFC 8785 bytes.

    Raises:
        IntegrityError: the value has no canonical form (NaN, or an integer beyond 2^53).
    """
    try:
        return rfc8785.dumps(msgspec.to_builtins(value))
    except (rfc8785.CanonicalizationError, msgspec.ValidationError) as error:
        raise IntegrityError(f"no canonical JSON for this value: {error}") from error


def parse_canonical(data: bytes, kind: type[T]) -> T:
    """Decode signed bytes, accepting only the one canonical encoding of a `kind`.

    So no two readers can see different things in them (double keys, unknown fields, big numbers).

    Raises:
        IntegrityError: not a `kind`, or not its canonical JSON.
    """
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"these bytes are no {kind.__name__}: {error}") from error
    if canonical_json(value) != data:
        raise IntegrityError(f"this {kind.__name__} is not in canonical JSON")
    return value


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def salted_digest(salt: str, text: str) -> str:
    """A digest of a prompt or completion that cannot be looked up without its salt."""
    return sha256_hex(salt.encode() + b"\x00" + text.encode())
