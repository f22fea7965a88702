import base64
from collections.abc import Callable

import msgspec
import pytest

from hansa.core.digests import sha256_hex
from hansa.core.errors import IntegrityError
from hansa.core.signing import SigningKey
from hansa.league import grants
from hansa.league.chain import Chain
from hansa.league.grants import GrantChecker, issue, read, verify_own
from hansa.wire.protocol import Grant
from hansa.wire.requests import Policy

NOW_MS = 1_790_000_000_000
BODY = b'{"id":"req-1"}'


@pytest.fixture
def grant(consortium) -> Callable[..., Grant]:
    def build(**changes: object) -> Grant:
        changes.setdefault("request", f"req-{changes.get('nonce', 1)}")
        return msgspec.structs.replace(
            Grant(
                issuer="a",
                audience="b",
                charter=consortium.chain().digest,
                request="req-1",
                request_sha256=sha256_hex(BODY),
                model="small",
                task="complete",
                policy=Policy(residency=("eu",)),
                max_prompt_tokens=1000,
                max_tokens=64,
                issued_at_ms=NOW_MS,
                expires_at_ms=NOW_MS + 60_000,
                nonce="n1",
                salt="s",
            ),
            **changes,
        )

    return build


@pytest.fixture
def checker(consortium, clock) -> GrantChecker:
    return GrantChecker(consortium.chain(), "b", clock)


def test_a_good_grant_is_taken_once(consortium, checker, grant) -> None:
    header = issue(consortium.nodes["a"], grant())
    taken, envelope = checker.check(header, BODY)
    assert taken == grant()
    assert envelope == read(header)
    with pytest.raises(IntegrityError, match="used before"):
        checker.check(header, BODY)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "z"}, "'z' is no member"),
        ({"audience": "c"}, "addressed to 'c'"),
        ({"charter": "f" * 64}, "under charter ffff"),
        ({"issued_at_ms": NOW_MS + 31_000, "expires_at_ms": NOW_MS + 60_000}, "in the future"),
        ({"issued_at_ms": NOW_MS - 60_000, "expires_at_ms": NOW_MS - 31_000}, "has expired"),
        ({"expires_at_ms": NOW_MS + 121_000}, "within 120 s"),
        ({"expires_at_ms": NOW_MS}, "within 120 s"),
        ({"request_sha256": "0" * 64}, "another request body"),
        ({"nonce": ""}, "nonce has 1 to 64"),
        ({"nonce": "n" * 65}, "nonce has 1 to 64"),
    ],
)
def test_bad_grants_say_why(changes, words, consortium, checker, grant) -> None:
    with pytest.raises(IntegrityError) as caught:
        checker.check(issue(consortium.nodes["a"], grant(**changes)), BODY)
    assert words in caught.value.message


def test_clocks_may_differ_a_little(consortium, checker, grant) -> None:
    early = grant(issued_at_ms=NOW_MS + 29_000, expires_at_ms=NOW_MS + 60_000, nonce="x")
    late = grant(issued_at_ms=NOW_MS - 60_000, expires_at_ms=NOW_MS - 29_000, nonce="y")
    for each in (early, late):
        assert checker.check(issue(consortium.nodes["a"], each), BODY)[0] == each


@pytest.mark.parametrize("signer", ["roots", "other member", "stranger"])
def test_only_the_issuers_node_key_signs(signer, consortium, checker, grant) -> None:
    key = {
        "roots": consortium.roots["a"],
        "other member": consortium.nodes["c"],
        "stranger": SigningKey.from_seed(b"?" * 32),
    }[signer]
    with pytest.raises(IntegrityError, match="no signature"):
        checker.check(issue(key, grant()), BODY)


def test_a_changed_grant_is_refused(consortium, checker, grant) -> None:
    envelope = read(issue(consortium.nodes["a"], grant()))
    changed = envelope.body().replace(b'"max_tokens":64', b'"max_tokens":4096')
    forged = msgspec.structs.replace(envelope, payload=base64.b64encode(changed).decode())
    with pytest.raises(IntegrityError, match="no signature"):
        checker.check(grants.to_header(forged), BODY)


@pytest.mark.parametrize(
    "header",
    ["", "?", "e30=", base64.b64encode(b"[" * 9000).decode(), "A" * 20_000, "\u00e9"],
)
def test_headers_that_are_no_grant(header, checker) -> None:
    with pytest.raises(IntegrityError):
        checker.check(header, BODY)


def test_no_grant_is_taken_under_an_expired_charter(consortium, checker, grant, clock) -> None:
    clock.time_ms = consortium.charter.expires_at_ms
    with pytest.raises(IntegrityError, match="expired on"):
        checker.check(issue(consortium.nodes["a"], grant()), BODY)


def test_a_request_is_granted_once_whatever_the_nonce(consortium, checker, grant) -> None:
    key = consortium.nodes["a"]
    checker.check(issue(key, grant(nonce="x", request="req-7")), BODY)
    with pytest.raises(IntegrityError, match="req-7 was granted before"):
        checker.check(issue(key, grant(nonce="y", request="req-7")), BODY)


def test_nonces_are_bounded_and_forgotten(monkeypatch, consortium, checker, grant, clock) -> None:
    monkeypatch.setattr(grants, "NONCES_KEPT_MAX", 2)
    key = consortium.nodes["a"]
    for nonce in ("1", "2"):
        checker.check(issue(key, grant(nonce=nonce)), BODY)
    with pytest.raises(IntegrityError, match="must wait"):
        checker.check(issue(key, grant(nonce="3")), BODY)
    clock.time_ms += 200_000
    later = {"issued_at_ms": clock.time_ms, "expires_at_ms": clock.time_ms + 1000}
    checker.check(issue(key, grant(nonce="3", **later)), BODY)


def test_a_refused_grant_does_not_burn_its_nonce(consortium, checker, grant) -> None:
    header = issue(consortium.nodes["a"], grant())
    with pytest.raises(IntegrityError, match="another request body"):
        checker.check(header, b"other")
    assert checker.check(header, BODY)[0].nonce == "n1"


def test_our_own_grant_is_known_again(consortium, grant) -> None:
    chain = consortium.chain()
    envelope = read(issue(consortium.nodes["a"], grant()))
    assert verify_own(envelope, chain, "a") == grant()
    with pytest.raises(IntegrityError, match="issued by 'a', not by b"):
        verify_own(envelope, chain, "b")
    forged = read(issue(consortium.nodes["b"], grant()))
    with pytest.raises(IntegrityError, match="no signature"):
        verify_own(forged, chain, "a")
    unknown = read(issue(consortium.nodes["a"], grant(charter="f" * 64)))
    with pytest.raises(IntegrityError, match="unknown charter"):
        verify_own(unknown, chain, "a")


def test_a_grant_of_an_earlier_epoch_is_still_ours(consortium, successor, grant) -> None:
    chain = Chain.of(
        [
            consortium.signed(consortium.charter, "a", "b"),
            consortium.signed(successor(), "a", "b"),
        ]
    )
    assert verify_own(read(issue(consortium.nodes["a"], grant())), chain, "a") == grant()
