import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import IntegrityError
from hansa.core.signing import Signature, SigningKey
from hansa.ledger.receipts import check, countersign, open_head, price, read, seal_head, signed_by
from hansa.wire.protocol import ModelTerms, Shares, TreeHead


def test_a_good_receipt_is_read(world) -> None:
    envelope, _ = world.served("a", "b")
    receipt = check(envelope, world.lookup)
    assert receipt == read(envelope)
    assert receipt.amount_nanousd == 58_000 + 7_200


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**11))
def test_a_price_is_the_sum_of_both_directions(prompt: int, completion: int, rate: int) -> None:
    terms = ModelTerms("m", "a", "MIT", "", rate, rate * 3, Shares(10_000, 0))
    both = price(terms, prompt, completion)
    assert both == price(terms, prompt, 0) + price(terms, 0, completion)
    assert abs(both * 1_000_000 - (prompt * rate + completion * rate * 3)) <= 1_000_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"charter": "f" * 64}, "unknown charter"),
        ({"origin": "z"}, "'z', no member"),
        ({"model": "none", "amount_nanousd": 1}, "not in its charter"),
        ({"amount_nanousd": 65_201}, "cost 65200"),
        ({"prompt_tokens": -1, "amount_nanousd": 0}, "less than nothing"),
        ({"duration_ms": -1}, "less than nothing"),
        ({"cached_tokens": 581}, "more cached tokens"),
        ({"cached_tokens": -1}, "more cached tokens"),
    ],
)
def test_bad_receipts_say_why(changes, words, world) -> None:
    envelope, _ = world.served("a", "b", **changes)
    with pytest.raises(IntegrityError) as caught:
        check(envelope, world.lookup)
    assert words in caught.value.message


def test_nobody_signs_for_the_server(world) -> None:
    envelope, _ = world.served("a", "b")
    content = read(envelope)
    for key in (world.keys["b"], SigningKey.from_seed(b"?" * 32)):
        other = key.seal(envelope.payload_type, envelope.body())
        with pytest.raises(IntegrityError, match="not signed by its server a"):
            check(other, world.lookup)
    changed = envelope.body().replace(b'"completion_tokens":24', b'"completion_tokens":99')
    forged = msgspec.structs.replace(envelope, payload=base64.b64encode(changed).decode())
    assert read(forged) != content
    with pytest.raises(IntegrityError, match="not signed by its server"):
        check(forged, world.lookup)


def test_countersigning_adds_one_signature_over_the_same_bytes(world) -> None:
    envelope, _ = world.served("a", "b")
    key = world.keys["b"]
    both = countersign(key, envelope)
    assert both.payload == envelope.payload
    assert signed_by(both, (key.public,))
    assert not signed_by(envelope, (key.public,))
    assert countersign(key, both) == both


def test_a_false_signature_under_our_key_id_is_replaced(world) -> None:
    envelope, _ = world.served("a", "b")
    key = world.keys["b"]
    false = Signature(key.keyid, base64.b64encode(bytes(64)).decode())
    poisoned = msgspec.structs.replace(envelope, signatures=(*envelope.signatures, false))
    assert signed_by(countersign(key, poisoned), (key.public,))


def test_what_is_no_receipt(world) -> None:
    envelope, _ = world.served("a", "b")
    with pytest.raises(IntegrityError, match="expected a receipt"):
        read(msgspec.structs.replace(envelope, payload_type="text/plain"))
    with pytest.raises(IntegrityError, match="over 8 signatures"):
        read(msgspec.structs.replace(envelope, signatures=envelope.signatures * 9))
    with pytest.raises(IntegrityError, match="not base64"):
        read(msgspec.structs.replace(envelope, payload="?"))


def test_heads_are_signed_for_one_log(world) -> None:
    head = TreeHead("a", 3, "0" * 64, 5)
    keys = (world.keys["a"].public,)
    sealed = seal_head(world.keys["a"], head)
    assert open_head(sealed, "a", keys) == head
    with pytest.raises(IntegrityError, match="log head of 'a', not of b"):
        open_head(sealed, "b", keys)
    with pytest.raises(IntegrityError, match="no signature"):
        open_head(seal_head(world.keys["b"], head), "a", keys)
