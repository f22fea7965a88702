"""Keys, signatures and envelopes."""

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.signing import (
    Envelope,
    Signature,
    SigningKey,
    key_id,
    open_envelope,
    pae,
    verifies,
)

KEY = SigningKey.from_seed(b"k" * 32)
OTHER = SigningKey.from_seed(b"o" * 32)
TYPE = "text/plain"


def test_the_pre_authentication_encoding_is_dsse_s():
    # Source: the example in DSSE's protocol.md.
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


@given(st.binary(max_size=200), st.text(max_size=20))
def test_a_payload_comes_back_from_its_envelope(payload: bytes, kind: str):
    envelope = KEY.seal(kind, payload)
    again = msgspec.json.decode(msgspec.json.encode(envelope), type=Envelope)
    assert open_envelope(again, kind, (OTHER.public, KEY.public)) == payload


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_changed_byte_is_noticed(payload: bytes, data: st.DataObject):
    at = data.draw(st.integers(0, len(payload) - 1))
    changed = bytearray(payload)
    changed[at] ^= 1
    signed = KEY.seal(TYPE, payload)
    forged = msgspec.structs.replace(signed, payload=base64.b64encode(changed).decode())
    with pytest.raises(IntegrityError, match="no signature"):
        open_envelope(forged, TYPE, (KEY.public,))


def test_another_type_or_key_is_refused():
    envelope = KEY.seal(TYPE, b"x")
    with pytest.raises(IntegrityError, match="expected an envelope of other"):
        open_envelope(envelope, "other", (KEY.public,))
    with pytest.raises(IntegrityError, match="no signature"):
        open_envelope(envelope, TYPE, (OTHER.public,))
    with pytest.raises(IntegrityError, match="no signature"):
        open_envelope(envelope, TYPE, ())


def test_a_relabelled_payload_is_refused():
    relabelled = msgspec.structs.replace(KEY.seal(TYPE, b"x"), payload_type="other")
    with pytest.raises(IntegrityError, match="no signature"):
        open_envelope(relabelled, "other", (KEY.public,))


def test_a_key_id_is_only_a_hint():
    envelope = KEY.seal(TYPE, b"x")
    lying = Signature(OTHER.keyid, envelope.signatures[0].sig)
    hinted = msgspec.structs.replace(envelope, signatures=(lying,))
    assert open_envelope(hinted, TYPE, (KEY.public,)) == b"x"


def test_signatures_without_end_are_not_all_tried():
    many = tuple(OTHER.sign(TYPE, b"x") for _ in range(16))
    envelope = msgspec.structs.replace(
        KEY.seal(TYPE, b"x"), signatures=(*many, KEY.sign(TYPE, b"x"))
    )
    with pytest.raises(IntegrityError, match="no signature"):
        open_envelope(envelope, TYPE, (KEY.public,))


@pytest.mark.parametrize("sig", ["", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_a_signature_of_any_length_is_only_wrong(sig: str):
    assert not verifies(KEY.public, TYPE, b"x", Signature(KEY.keyid, sig))


@pytest.mark.parametrize("sig", ["?", "é", "AAA"])
def test_a_signature_that_is_not_base64_is_an_integrity_error(sig: str):
    with pytest.raises(IntegrityError, match="a signature is not base64"):
        verifies(KEY.public, TYPE, b"x", Signature(KEY.keyid, sig))


@pytest.mark.parametrize("public", ["?", "", "AAAA", "é"])
def test_what_is_no_public_key_is_an_integrity_error(public: str):
    with pytest.raises(IntegrityError):
        verifies(public, TYPE, b"x", KEY.sign(TYPE, b"x"))


def test_a_key_is_saved_for_its_owner_only_and_never_overwritten(tmp_path: Path):
    path = tmp_path / "node.key"
    KEY.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).public == KEY.public
    with pytest.raises(ConfigError, match="exists already"):
        OTHER.save(path)
    assert SigningKey.load(path).public == KEY.public


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", base64.b64encode(b"x" * 31)])
def test_what_is_no_key_file_is_said(tmp_path: Path, content: bytes):
    path = tmp_path / "node.key"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no Ed25519 key"):
        SigningKey.load(path)


def test_a_key_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot read the key file"):
        SigningKey.load(tmp_path / "node.key")


def test_a_key_does_not_show_its_secret():
    secret = base64.b64encode(b"k" * 32).decode()
    assert secret not in repr(KEY)
    assert key_id(KEY.public) in repr(KEY)
    assert SigningKey.generate().public != SigningKey.generate().public
