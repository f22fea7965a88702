"""Canonical JSON and digests: what gets signed, and how it is named."""

import functools
import hashlib
import re
from typing import Any, TypeVar

import msgspec
import rfc8785

from hansa.core.errors import IntegrityError

T = TypeVar("T")

_UNSURE = re.compile(rb"[:\[,]-?\d{16}|\\u")
"""Where msgspec and RFC 8785 may part: large integers and escaped control characters."""


def canonical_json(value: Any) -> bytes:
    """Encode a msgspec Struct or plain JSON value as RFC 8785 bytes.

    Raises:
        IntegrityError: the value has no canonical form (NaN, or an integer beyond 2^53).
    """
    if isinstance(value, msgspec.Struct) and _without_floats(type(value)):
        quick = msgspec.json.encode(value, order="sorted")
        if quick.isascii() and not _UNSURE.search(quick):
            return quick
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


@functools.cache
def _without_floats(kind: type) -> bool:
    """Whether every field is text, integer, boolean or made of such: what needs no care to write.

    For these msgspec writes what RFC 8785 asks for, twenty times as fast; receipts and grants are
    such, and each is encoded several times.
    """
    waiting: list[msgspec.inspect.Type] = [msgspec.inspect.type_info(kind)]
    while waiting:
        each = waiting.pop()
        if isinstance(each, msgspec.inspect.StructType):
            waiting += [field.type for field in each.fields]
        elif isinstance(each, msgspec.inspect.VarTupleType):
            waiting.append(each.item_type)
        elif not isinstance(each, _PLAIN):
            return False
    return True


_PLAIN = (
    msgspec.inspect.StrType,
    msgspec.inspect.IntType,
    msgspec.inspect.BoolType,
    msgspec.inspect.LiteralType,
)


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def salted_digest(salt: str, text: str) -> str:
    """A digest of a prompt or completion that cannot be looked up without its salt."""
    return sha256_hex(salt.encode() + b"\x00" + text.encode())
