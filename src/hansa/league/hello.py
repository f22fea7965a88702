"""Who asks, and who answers, between nodes: signed greetings and signed statuses."""

from hansa.core.bounds import CLOCK_SKEW_S
from hansa.core.digests import canonical_json, parse_canonical, sha256_hex
from hansa.core.errors import IntegrityError
from hansa.core.signing import Envelope, SigningKey, open_envelope
from hansa.league.chain import Chain
from hansa.league.grants import check_addressed, from_header, require_member, to_header
from hansa.wire.protocol import HELLO_TYPE, STATUS_TYPE, Hello, NodeStatus

STATUS_AGE_MS_MAX = 10_000


def say(key: SigningKey, hello: Hello) -> str:
    """Sign `hello` and write it as the value of the `hansa-hello` header."""
    return to_header(key.seal(HELLO_TYPE, canonical_json(hello)))


def check(header: str, body: bytes, chain: Chain, member: str, now_ms: int) -> str:
    """Return the id of the member that says hello to `member` (us) with exactly this `body`.

    Raises:
        IntegrityError: says which of the checks failed.
    """
    chain.require_current(now_ms)
    envelope = from_header(header, "hello")
    hello = parse_canonical(envelope.body(), Hello)
    issuer = require_member(chain.current, hello.issuer, "the hello's issuer")
    open_envelope(envelope, HELLO_TYPE, issuer.node_keys)
    check_addressed("hello", hello.audience, member, hello.charter, chain.digest)
    if abs(now_ms - hello.issued_at_ms) > CLOCK_SKEW_S * 1000:
        raise IntegrityError(
            f"the hello is more than {CLOCK_SKEW_S} s off this machine's clock",
            hint="compare both machines' clocks",
        )
    if hello.body_sha256 != sha256_hex(body):
        raise IntegrityError("the hello is for another body than the one sent with it")
    return hello.issuer


def seal_status(key: SigningKey, status: NodeStatus) -> Envelope:
    return key.seal(STATUS_TYPE, canonical_json(status))


def open_status(envelope: Envelope, chain: Chain, expect_member: str, now_ms: int) -> NodeStatus:
    """The status in `envelope`, if `expect_member` signed it just now under our charter.

    Raises:
        IntegrityError: another member, another charter, no valid signature, or older than 10 s.
    """
    peer = require_member(chain.current, expect_member, "the peer")
    body = open_envelope(envelope, STATUS_TYPE, peer.node_keys)
    status = parse_canonical(body, NodeStatus)
    if status.member != expect_member:
        raise IntegrityError(f"{expect_member} answered with the status of {status.member!r}")
    if status.charter != chain.digest:
        raise IntegrityError(
            f"{expect_member} is under charter {status.charter[:16]}, we are under "
            f"{chain.digest[:16]}",
            hint="compare epochs with `hansa league show`; one side has an old charter",
        )
    age_ms = abs(now_ms - status.signed_at_ms)
    if age_ms > STATUS_AGE_MS_MAX:
        raise IntegrityError(
            f"the status of {expect_member} is {age_ms} ms off; at most {STATUS_AGE_MS_MAX} count",
            hint="compare both machines' clocks",
        )
    return status
