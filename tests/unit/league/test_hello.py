import msgspec
import pytest

from hansa.core.digests import canonical_json, sha256_hex
from hansa.core.errors import IntegrityError
from hansa.league.grants import to_header
from hansa.league.hello import check, open_status, say, seal_status
from hansa.wire.protocol import Hello, NodeStatus, ReplicaStatus

NOW_MS = 1_790_000_000_000


def hello(chain, **changes: object) -> Hello:
    values = Hello("a", "b", chain.digest, NOW_MS, sha256_hex(b"body"))
    return msgspec.structs.replace(values, **changes)


def status(chain, **changes: object) -> NodeStatus:
    replica = ReplicaStatus("r", "small", "eu", True, 4, 1, 500.0, 200.5, 2048)
    return msgspec.structs.replace(NodeStatus("a", chain.digest, NOW_MS, (replica,)), **changes)


def test_a_hello_names_its_sender(consortium) -> None:
    chain = consortium.chain()
    header = say(consortium.nodes["a"], hello(chain))
    assert check(header, b"body", chain, "b", NOW_MS) == "a"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "c"}, "no signature"),
        ({"issuer": "z"}, "no member"),
        ({"audience": "c"}, "addressed to"),
        ({"charter": "0" * 64}, "under charter 0000"),
        ({"issued_at_ms": NOW_MS - 30_001}, "off this machine's clock"),
        ({"issued_at_ms": NOW_MS + 30_001}, "off this machine's clock"),
        ({"body_sha256": sha256_hex(b"")}, "another body"),
    ],
)
def test_bad_hellos_say_why(changes, words, consortium) -> None:
    chain = consortium.chain()
    header = say(consortium.nodes["a"], hello(chain, **changes))
    with pytest.raises(IntegrityError) as caught:
        check(header, b"body", chain, "b", NOW_MS)
    assert words in caught.value.message


def test_a_grant_is_no_hello(consortium) -> None:
    chain = consortium.chain()
    other = consortium.nodes["a"].seal("application/x", canonical_json(hello(chain)))
    with pytest.raises(IntegrityError, match="expected an envelope of"):
        check(to_header(other), b"body", chain, "b", NOW_MS)


def test_a_status_comes_from_whom_it_should(consortium) -> None:
    chain = consortium.chain()
    sealed = seal_status(consortium.nodes["a"], status(chain))
    assert open_status(sealed, chain, "a", NOW_MS + 10_000) == status(chain)
    with pytest.raises(IntegrityError, match="no signature"):
        open_status(sealed, chain, "b", NOW_MS)
    with pytest.raises(IntegrityError, match="10001 ms off"):
        open_status(sealed, chain, "a", NOW_MS + 10_001)
    with pytest.raises(IntegrityError, match="no member"):
        open_status(sealed, chain, "z", NOW_MS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"member": "b"}, "status of 'b'"), ({"charter": "0" * 64}, "under charter 0000")],
)
def test_a_status_that_does_not_fit(changes, words, consortium) -> None:
    chain = consortium.chain()
    sealed = seal_status(consortium.nodes["a"], status(chain, **changes))
    with pytest.raises(IntegrityError, match=words):
        open_status(sealed, chain, "a", NOW_MS)
