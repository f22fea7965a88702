"""Grants: one member's signed leave for another to serve one request."""

import base64
import binascii
from collections import OrderedDict

import msgspec

from hansa.core.bounds import CLOCK_SKEW_S, GRANT_LIFETIME_S, NONCES_KEPT_MAX
from hansa.core.clock import Clock
from hansa.core.digests import canonical_json, parse_canonical, sha256_hex
from hansa.core.errors import IntegrityError
from hansa.core.signing import Envelope, SigningKey, open_envelope
from hansa.league.chain import Chain
from hansa.wire.protocol import GRANT_TYPE, Charter, Grant, Member

HEADER_CHARS_MAX = 16 * 1024
NONCE_CHARS_MAX = 64


def issue(key: SigningKey, grant: Grant) -> str:
    """Sign `grant` and write it as the value of the `hansa-grant` header."""
    return to_header(key.seal(GRANT_TYPE, canonical_json(grant)))


def read(header: str) -> Envelope:
    """The envelope in a `hansa-grant` header, not yet verified."""
    return from_header(header, "grant")


class GrantChecker:
    """Decides whether a peer's grant is good for a request; remembers nonces, bounded.

    A nonce is forgotten once its grant has expired, when a replay would be refused anyway.
    """

    def __init__(self, chain: Chain, member: str, clock: Clock) -> None:
        self._chain = chain
        self._member = member
        self._clock = clock
        self._nonces: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._requests: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, header: str, body: bytes) -> tuple[Grant, Envelope]:
        """Return the grant in `header` if it covers exactly this `body`, here and now.

        Raises:
            IntegrityError: says which of the checks failed.
        """
        now_ms = self._clock.now_ms()
        self._chain.require_current(now_ms)
        envelope = read(header)
        grant = parse_canonical(envelope.body(), Grant)
        issuer = require_member(self._chain.current, grant.issuer, "the grant's issuer")
        open_envelope(envelope, GRANT_TYPE, issuer.node_keys)
        check_addressed("grant", grant.audience, self._member, grant.charter, self._chain.digest)
        _check_times(grant, now_ms)
        if grant.request_sha256 != sha256_hex(body):
            raise IntegrityError("the grant is for another request body than the one sent with it")
        self._use_nonce(grant, now_ms)
        return grant, envelope

    def _use_nonce(self, grant: Grant, now_ms: int) -> None:
        if not 1 <= len(grant.nonce) <= NONCE_CHARS_MAX:
            raise IntegrityError(f"a grant's nonce has 1 to {NONCE_CHARS_MAX} characters")
        for seen in (self._nonces, self._requests):
            while seen and next(iter(seen.values())) <= now_ms:
                seen.popitem(last=False)
        name, request = (grant.issuer, grant.nonce), (grant.issuer, grant.request)
        if name in self._nonces:
            raise IntegrityError("this grant was used before", hint="issue a new one per request")
        if request in self._requests:
            # There is one receipt per request, so a second answer to it could not be accounted for.
            raise IntegrityError(
                f"request {grant.request} was granted before", hint="give each request its own id"
            )
        if len(self._nonces) >= NONCES_KEPT_MAX:
            raise IntegrityError(f"over {NONCES_KEPT_MAX} grants are open; this one must wait")
        longest_ms = (GRANT_LIFETIME_S + 2 * CLOCK_SKEW_S) * 1000
        self._nonces[name] = self._requests[request] = now_ms + longest_ms


def verify_own(envelope: Envelope, chain: Chain, member: str) -> Grant:
    """The grant that a server shows back to us, if `member` (us) signed it in any known epoch.

    Raises:
        IntegrityError: we did not.
    """
    grant = parse_canonical(envelope.body(), Grant)
    if grant.issuer != member:
        raise IntegrityError(f"this grant was issued by {grant.issuer!r}, not by {member}")
    charter = chain.at(grant.charter)
    if charter is None:
        raise IntegrityError(f"this grant is under the unknown charter {grant.charter[:16]}")
    own = require_member(charter, member, "the grant's issuer")
    open_envelope(envelope, GRANT_TYPE, own.node_keys)
    return grant


def to_header(envelope: Envelope) -> str:
    return base64.b64encode(msgspec.json.encode(envelope)).decode()


def from_header(header: str, what: str) -> Envelope:
    if len(header) > HEADER_CHARS_MAX:
        raise IntegrityError(f"a {what} of over {HEADER_CHARS_MAX} characters")
    try:
        return msgspec.json.decode(base64.b64decode(header, validate=True), type=Envelope)
    except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError) as error:
        raise IntegrityError(f"the {what} header holds no envelope: {error}") from error


def require_member(charter: Charter, member_id: str, what: str) -> Member:
    member = charter.member(member_id)
    if member is None:
        raise IntegrityError(
            f"{what} {member_id!r} is no member of league {charter.league}",
            hint="compare charters with `hansa league show`",
        )
    return member


def check_addressed(what: str, audience: str, member: str, charter: str, ours: str) -> None:
    """Refuse what is meant for somebody else or was made under another charter."""
    if audience != member:
        raise IntegrityError(f"this {what} is addressed to {audience!r}; this is {member}")
    if charter != ours:
        raise IntegrityError(
            f"this {what} is under charter {charter[:16]}, this member is under {ours[:16]}",
            hint="compare epochs with `hansa league show`; one side has an old charter",
        )


def _check_times(grant: Grant, now_ms: int) -> None:
    skew_ms = CLOCK_SKEW_S * 1000
    if grant.issued_at_ms > now_ms + skew_ms:
        raise IntegrityError(
            "the grant was issued in the future", hint="compare both machines' clocks"
        )
    lifetime_ms = grant.expires_at_ms - grant.issued_at_ms
    if not 0 < lifetime_ms <= GRANT_LIFETIME_S * 1000:
        raise IntegrityError(f"a grant must expire within {GRANT_LIFETIME_S} s of its issue")
    if now_ms > grant.expires_at_ms + skew_ms:
        raise IntegrityError("the grant has expired", hint="compare both machines' clocks")
