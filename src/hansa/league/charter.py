"""The charter as a document: its bytes, its digest, its signatures and the shape it must have."""

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from hansa.core.digests import canonical_json, parse_canonical, sha256_hex
from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.ids import check_name
from hansa.core.signing import Envelope, SigningKey, verifies
from hansa.wire.protocol import CHARTER_TYPE, Charter, Member, ModelTerms

SHARES_TOTAL = 10_000
MEMBERS_MAX = 256
MODELS_MAX = 1024
NODE_KEYS_MAX = 8
SIGNATURES_MAX = 2 * MEMBERS_MAX
"""A charter carries signatures of two epochs' members at most."""

_JURISDICTION = re.compile(r"[a-z]{2}(?:-[a-z0-9-]{1,29})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class CharterFile(msgspec.Struct, frozen=True):
    """What members pass to each other: every epoch, oldest first."""

    epochs: tuple[Envelope, ...]


def encode(charter: Charter) -> bytes:
    """The canonical bytes that are signed."""
    return canonical_json(charter)


def decode(envelope: Envelope) -> Charter:
    """Read a charter's payload; its signatures are checked by `chain`."""
    if envelope.payload_type != CHARTER_TYPE:
        raise IntegrityError(f"expected a charter, got {envelope.payload_type!r}")
    return parse_canonical(envelope.body(), Charter)


def digest(payload: bytes) -> str:
    """What names a charter in grants, receipts and the next epoch."""
    return sha256_hex(payload)


def draft(charter: Charter) -> Envelope:
    """An envelope nobody has signed yet."""
    payload = base64.b64encode(encode(charter)).decode()
    return Envelope(CHARTER_TYPE, payload, ())


def sign(envelope: Envelope, root_key: SigningKey) -> Envelope:
    """Add `root_key`'s signature, or replace the one it made before; the payload stays."""
    signature = root_key.sign(CHARTER_TYPE, envelope.body())
    others = tuple(each for each in envelope.signatures if each.keyid != root_key.keyid)
    return msgspec.structs.replace(envelope, signatures=(*others, signature))


def signers(envelope: Envelope, members: Iterable[Member]) -> frozenset[str]:
    """Ids of those `members` whose root key signed; each counts once."""
    if len(envelope.signatures) > SIGNATURES_MAX:
        raise IntegrityError(f"a charter with over {SIGNATURES_MAX} signatures")
    body = envelope.body()
    return frozenset(
        member.id
        for member in members
        if any(
            verifies(member.root_key, CHARTER_TYPE, body, signature)
            for signature in envelope.signatures
        )
    )


def check_shape(charter: Charter) -> None:
    """Refuse a charter that could not work, whoever signed it.

    Raises:
        ConfigError: says which member, model or field, and what it has to be.
    """
    check_name(charter.league, "league")
    _check_counts(charter)
    for member in charter.members:
        _check_member(member)
    for terms in charter.models:
        _check_terms(charter, terms)
    _check_unique("member id", [member.id for member in charter.members])
    _check_unique("model", [terms.model for terms in charter.models])
    roots = [member.root_key for member in charter.members]
    _check_unique("key", roots + [key for each in charter.members for key in each.node_keys])


def _check_counts(charter: Charter) -> None:
    count = len(charter.members)
    if not 1 <= count <= MEMBERS_MAX:
        raise ConfigError(f"a league has 1 to {MEMBERS_MAX} members, not {count}")
    if not 1 <= charter.threshold <= count:
        raise ConfigError(f"a threshold of {charter.threshold} cannot work with {count} members")
    if len(charter.models) > MODELS_MAX:
        raise ConfigError(f"a charter names at most {MODELS_MAX} models")
    if charter.epoch < 1:
        raise ConfigError(f"epochs count from 1; this one says {charter.epoch}")
    if charter.issued_at_ms < 0 or charter.expires_at_ms <= charter.issued_at_ms:
        raise ConfigError("a charter must expire after it is issued")


def _check_member(member: Member) -> None:
    check_name(member.id, "member")
    where = f"member {member.id}"
    if not _JURISDICTION.fullmatch(member.jurisdiction):
        raise ConfigError(
            f"{where}: {member.jurisdiction!r} is no jurisdiction", hint='write it like "eu"'
        )
    address = urlsplit(member.url)
    if address.scheme not in {"http", "https"} or not address.netloc or member.url.endswith("/"):
        raise ConfigError(
            f"{where}: {member.url!r} is no node address",
            hint="use http:// or https://, a host, and no slash at the end",
        )
    if not 1 <= len(member.node_keys) <= NODE_KEYS_MAX:
        raise ConfigError(f"{where} must have 1 to {NODE_KEYS_MAX} node keys")
    for key in (member.root_key, *member.node_keys):
        _check_key(key, where)


def _check_key(key: str, where: str) -> None:
    try:
        raw = base64.b64decode(key, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise ConfigError(f"{where}: {key!r} is no public key (base64 of 32 bytes)")


def _check_terms(charter: Charter, terms: ModelTerms) -> None:
    check_name(terms.model, "model")
    where = f"model {terms.model}"
    if charter.member(terms.maker) is None:
        raise ConfigError(f"{where}: its maker {terms.maker!r} is no member")
    if min(terms.price_input_nanousd_per_mtok, terms.price_output_nanousd_per_mtok) < 0:
        raise ConfigError(f"{where}: a price must not be negative")
    shares = terms.shares
    parts = (shares.maker, shares.compute, shares.commons)
    if min(parts) < 0 or sum(parts) != SHARES_TOTAL:
        raise ConfigError(
            f"{where}: its shares add up to {sum(parts)}, not {SHARES_TOTAL}",
            hint="shares are basis points, none negative, for example maker=3000,compute=7000",
        )
    if terms.weights_sha256 and not _SHA256.fullmatch(terms.weights_sha256):
        raise ConfigError(f"{where}: weights_sha256 must be 64 lower-case hex digits, or empty")


def _check_unique(what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ConfigError(f"{what} {value!r} appears twice in the charter")
        seen.add(value)
