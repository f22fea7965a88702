import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.signing import Envelope, SigningKey
from hansa.league.chain import Chain, single_member, write_file
from hansa.league.charter import CharterFile, check_shape, decode, draft, encode, sign, signers
from hansa.wire.protocol import CHARTER_TYPE, Charter, Shares

NOW_MS = 1_790_000_000_000


def with_terms(charter: Charter, **changes: object) -> Charter:
    terms = msgspec.structs.replace(charter.models[0], **changes)
    return msgspec.structs.replace(charter, models=(terms,))


def with_first_member(charter: Charter, **changes: object) -> Charter:
    first = msgspec.structs.replace(charter.members[0], **changes)
    return msgspec.structs.replace(charter, members=(first, *charter.members[1:]))


def shares(**parts: int) -> Shares:
    return Shares(**parts)


BAD_SHAPES: dict[str, tuple[Callable[[Charter], Charter], str]] = {
    "threshold above members": (
        lambda c: msgspec.structs.replace(c, threshold=4),
        "threshold of 4 cannot work with 3",
    ),
    "threshold of none": (lambda c: msgspec.structs.replace(c, threshold=0), "threshold of 0"),
    "no members": (lambda c: msgspec.structs.replace(c, members=()), "1 to 256 members"),
    "epoch zero": (lambda c: msgspec.structs.replace(c, epoch=0), "count from 1"),
    "expires before issue": (
        lambda c: msgspec.structs.replace(c, expires_at_ms=c.issued_at_ms),
        "expire after",
    ),
    "bad league name": (lambda c: msgspec.structs.replace(c, league="No Good"), "no name"),
    "bad member name": (lambda c: with_first_member(c, id="../a"), "no name for a member"),
    "member twice": (
        lambda c: msgspec.structs.replace(
            c, members=(*c.members, with_first_member(c, root_key=c.members[0].root_key).members[0])
        ),
        "member id 'a' appears twice",
    ),
    "one key for two": (
        lambda c: with_first_member(c, root_key=c.members[1].root_key),
        "appears twice",
    ),
    "short key": (
        lambda c: with_first_member(c, node_keys=(base64.b64encode(b"short").decode(),)),
        "no public key",
    ),
    "no base64 key": (lambda c: with_first_member(c, root_key="?"), "no public key"),
    "no node keys": (lambda c: with_first_member(c, node_keys=()), "1 to 8 node keys"),
    "address of a file": (lambda c: with_first_member(c, url="file:///x"), "no node address"),
    "address with slash": (lambda c: with_first_member(c, url="http://x/"), "no node address"),
    "jurisdiction": (lambda c: with_first_member(c, jurisdiction="EU"), "no jurisdiction"),
    "stranger makes a model": (lambda c: with_terms(c, maker="z"), "'z' is no member"),
    "negative price": (lambda c: with_terms(c, price_input_nanousd_per_mtok=-1), "negative"),
    "shares too small": (
        lambda c: with_terms(c, shares=shares(maker=1, compute=2)),
        "add up to 3, not 10000",
    ),
    "negative share": (
        lambda c: with_terms(c, shares=shares(maker=-1, compute=10001)),
        "none negative",
    ),
    "weights digest": (lambda c: with_terms(c, weights_sha256="abc"), "64 lower-case hex"),
    "model twice": (
        lambda c: msgspec.structs.replace(c, models=c.models * 2),
        "model 'small' appears twice",
    ),
}


@pytest.mark.parametrize("case", BAD_SHAPES)
def test_charters_that_could_not_work_are_refused(case: str, consortium) -> None:
    spoil, words = BAD_SHAPES[case]
    with pytest.raises(ConfigError) as caught:
        check_shape(spoil(consortium.charter))
    assert words in str(caught.value)


def test_signing_twice_keeps_one_signature(consortium) -> None:
    once = consortium.signed(consortium.charter, "a")
    assert sign(once, consortium.roots["a"]) == once
    assert sign(once, consortium.roots["b"]).body() == once.body()


def test_one_member_counts_once_however_often_it_signs(consortium) -> None:
    envelope = consortium.signed(consortium.charter, "a")
    doubled = msgspec.structs.replace(envelope, signatures=envelope.signatures * 5)
    assert signers(doubled, consortium.charter.members) == {"a"}
    with pytest.raises(IntegrityError, match="1 of 2"):
        Chain.of([doubled])


def test_too_few_signatures_name_who_is_missing(consortium) -> None:
    with pytest.raises(IntegrityError) as caught:
        Chain.of([consortium.signed(consortium.charter, "a")])
    assert caught.value.message == "charter epoch 1 has 1 of 2 needed signatures; missing: b, c"
    assert "hansa league sign" in caught.value.hint


def test_a_node_key_does_not_sign_charters(consortium) -> None:
    envelope = sign(consortium.signed(consortium.charter, "a"), consortium.nodes["b"])
    with pytest.raises(IntegrityError, match="1 of 2"):
        Chain.of([envelope])


def test_a_changed_charter_loses_its_signatures(consortium) -> None:
    signed = consortium.signed(consortium.charter, "a", "b")
    changed = encode(msgspec.structs.replace(consortium.charter, threshold=1))
    forged = msgspec.structs.replace(signed, payload=base64.b64encode(changed).decode())
    with pytest.raises(IntegrityError, match="0 of 1"):
        Chain.of([forged])


def test_only_the_canonical_encoding_is_read(consortium) -> None:
    spaced = encode(consortium.charter).replace(b'"epoch":1', b'"epoch": 1')
    doubled = encode(consortium.charter).replace(b'"epoch":1', b'"epoch":2,"epoch":1')
    for payload in (spaced, doubled, b"[]", b"\xff"):
        envelope = Envelope(CHARTER_TYPE, base64.b64encode(payload).decode(), ())
        with pytest.raises(IntegrityError):
            decode(envelope)


def test_an_epoch_needs_its_predecessors_members_and_its_own(consortium, successor) -> None:
    first = consortium.signed(consortium.charter, "a", "b")
    second = successor(members=tuple(consortium.member(name) for name in "abd"))
    chain = Chain.of([first, consortium.signed(second, "a", "b")])
    assert chain.current.epoch == 2
    assert chain.at(chain.digests[0]) == consortium.charter
    assert chain.at("0" * 64) is None
    with pytest.raises(IntegrityError, match=r"2 needed signatures by members of epoch 1"):
        Chain.of([first, consortium.signed(second, "a", "d")])
    with pytest.raises(IntegrityError, match=r"epoch 2 has 1 of 2 needed signatures; missing: b"):
        Chain.of([first, consortium.signed(second, "a", "c")])


def test_wrong_predecessor_number_and_league_are_refused(consortium, successor) -> None:
    first = consortium.signed(consortium.charter, "a", "b")
    for changes, words in (
        ({"predecessor": "f" * 64}, "names the predecessor"),
        ({"epoch": 3}, "epoch 3 stands where epoch 2"),
        ({"league": "other"}, "of league other"),
    ):
        with pytest.raises(IntegrityError, match=words):
            Chain.of([first, consortium.signed(successor(**changes), "a", "b")])
    with pytest.raises(IntegrityError, match="epoch 2 stands where epoch 1"):
        Chain.of([consortium.signed(successor(), "a", "b")])


def test_rotated_keys_are_all_known_for_old_signatures(consortium, successor) -> None:
    fresh = SigningKey.from_seed(b"n" * 32)
    changed = consortium.member("a", node_keys=(fresh.public,))
    second = successor(members=(changed, *consortium.charter.members[1:]))
    chain = Chain.of(
        [consortium.signed(consortium.charter, "a", "b"), consortium.signed(second, "a", "b")]
    )
    assert chain.node_keys("a") == (consortium.nodes["a"].public, fresh.public)
    assert chain.node_keys("nobody") == ()


def test_an_expired_charter_says_since_when(consortium) -> None:
    chain = consortium.chain()
    chain.require_current(consortium.charter.expires_at_ms - 1)
    with pytest.raises(IntegrityError, match="league testing expired on 2026-10-21"):
        chain.require_current(consortium.charter.expires_at_ms)


def test_charter_files(tmp_path: Path, consortium) -> None:
    path = tmp_path / "charter.json"
    write_file(path, CharterFile((consortium.signed(consortium.charter, "a", "b"),)))
    assert Chain.load(path).digest == consortium.chain().digest
    for content in (b"", b"{}", b"not json", b'{"epochs": 3}', b"\xff", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="no charter file"):
            Chain.load(path)
    with pytest.raises(ConfigError, match="No such file"):
        Chain.load(tmp_path / "absent.json")
    with pytest.raises(ConfigError, match="without any epoch"):
        Chain.of([])


def test_a_node_alone_is_a_league_of_one(consortium) -> None:
    envelope = single_member(
        consortium.member("a"), consortium.charter.models, consortium.roots["a"], NOW_MS
    )
    chain = Chain.of([envelope])
    chain.require_current(NOW_MS + 9 * 365 * 86_400_000)
    assert [member.id for member in chain.current.members] == ["a"]
    with pytest.raises(ConfigError, match="is no member"):
        single_member(
            consortium.member("b"), consortium.charter.models, consortium.roots["b"], NOW_MS
        )


def test_many_signatures_are_refused_before_they_are_checked(consortium) -> None:
    envelope = consortium.signed(consortium.charter, "a")
    flooded = msgspec.structs.replace(envelope, signatures=envelope.signatures * 513)
    with pytest.raises(IntegrityError, match="over 512 signatures"):
        Chain.of([flooded])


def test_a_draft_has_no_signature(consortium) -> None:
    assert draft(consortium.charter).signatures == ()
