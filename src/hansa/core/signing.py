"""Ed25519 keys and DSSE envelopes.

An envelope holds the exact bytes that were signed, so nothing is re-encoded before it is verified.
Source: DSSE v1.0 (secure-systems-lab/dsse, protocol.md) for the pre-authentication encoding.
"""

import base64
import binascii
import hashlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.files import write_atomic

PUBLIC_KEY_BYTES = 32


class Signature(msgspec.Struct, frozen=True):
    keyid: str
    """First 16 hex digits of the SHA-256 of the raw public key; a hint, never trusted."""
    sig: str
    """Base64 of the 64 signature bytes."""


class Envelope(msgspec.Struct, frozen=True, rename={"payload_type": "payloadType"}):
    payload_type: str
    payload: str
    """Base64 of the signed bytes."""
    signatures: tuple[Signature, ...]

    def body(self) -> bytes:
        """The signed bytes, not yet verified."""
        return _b64decode(self.payload, "the envelope's payload")


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes a signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


class SigningKey:
    """A private Ed25519 key. Its `repr` never shows the secret."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        self.keyid = key_id(self.public)

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a key file: one line, base64 of the 32 secret bytes.

        Raises:
            ConfigError: no such file, or not a key.
        """
        try:
            seed = base64.b64decode(path.read_text("ascii").strip(), validate=True)
            return cls.from_seed(seed)
        except OSError as error:
            raise ConfigError(f"cannot read the key file {path}: {error.strerror}") from error
        except (ValueError, binascii.Error) as error:
            raise ConfigError(
                f"{path} holds no Ed25519 key", hint="restore it from backup"
            ) from error

    def save(self, path: Path) -> None:
        """Write the key to a new file only its owner can read; never overwrites."""
        if path.exists():
            raise ConfigError(f"{path} exists already", hint="a key is never overwritten; move it")
        seed = base64.b64encode(self._private.private_bytes_raw())
        write_atomic(path, seed + b"\n", mode=0o600)

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        raw = self._private.sign(pae(payload_type, payload))
        return Signature(self.keyid, base64.b64encode(raw).decode())

    def seal(self, payload_type: str, payload: bytes) -> Envelope:
        """Sign `payload` into an envelope with this one signature."""
        signature = self.sign(payload_type, payload)
        return Envelope(payload_type, base64.b64encode(payload).decode(), (signature,))

    def __repr__(self) -> str:
        return f"SigningKey({self.keyid})"


def key_id(public: str) -> str:
    return hashlib.sha256(_b64decode(public, "a public key")).hexdigest()[:16]


def verifies(public: str, payload_type: str, payload: bytes, signature: Signature) -> bool:
    """Whether `signature` over `payload` was made with the private half of `public`."""
    raw = _b64decode(public, "a public key")
    if len(raw) != PUBLIC_KEY_BYTES:
        raise IntegrityError(f"a public key has {len(raw)} bytes, not {PUBLIC_KEY_BYTES}")
    key = Ed25519PublicKey.from_public_bytes(raw)
    try:
        key.verify(_b64decode(signature.sig, "a signature"), pae(payload_type, payload))
    except InvalidSignature:
        return False
    return True


def open_envelope(envelope: Envelope, payload_type: str, keys: tuple[str, ...]) -> bytes:
    """Return the payload if it is of `payload_type` and any of `keys` signed it.

    Raises:
        IntegrityError: another type, or no signature by one of the keys.
    """
    if envelope.payload_type != payload_type:
        raise IntegrityError(
            f"expected an envelope of {payload_type}, got {envelope.payload_type!r}"
        )
    body = envelope.body()
    for signature in envelope.signatures[:16]:
        if any(verifies(key, payload_type, body, signature) for key in keys):
            return body
    raise IntegrityError(f"no signature on this {payload_type} is by a key that may sign it")


def _b64decode(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise IntegrityError(f"{what} is not base64") from error
