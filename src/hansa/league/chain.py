"""The epochs of a charter as a chain: each one agreed by its own members and by those before."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.files import write_atomic
from hansa.core.signing import Envelope, SigningKey
from hansa.league.charter import CharterFile, check_shape, decode, digest, draft, sign, signers
from hansa.wire.protocol import Charter, Member, ModelTerms

CHARTER_FILE_BYTES_MAX = 64 * 1024 * 1024
SOLO_LIFETIME_MS = 3650 * 24 * 3600 * 1000


class Chain:
    """Verified epochs, oldest first; the last one is in force.

    The first epoch is trusted because the file that holds it was handed over by hand; every later
    one because a threshold of its predecessor's members signed it.
    """

    def __init__(self, epochs: Sequence[tuple[str, Charter]]) -> None:
        self._epochs = dict(epochs)
        self.digest, self.current = epochs[-1]

    @classmethod
    def load(cls, path: Path) -> "Chain":
        """Read and verify a charter file.

        Raises:
            ConfigError: the file is missing or is no charter file.
            IntegrityError: an epoch lacks signatures or does not follow from the one before.
        """
        return cls.of(read_file(path).epochs)

    @classmethod
    def of(cls, envelopes: Sequence[Envelope]) -> "Chain":
        """Verify epochs held in memory."""
        if not envelopes:
            raise ConfigError("a charter without any epoch", hint="start one: `hansa league join`")
        epochs: list[tuple[str, Charter]] = []
        for envelope in envelopes:
            charter = decode(envelope)
            _check_follows(charter, epochs)
            for agreeing in [each for _, each in epochs[-1:]] + [charter]:
                _check_signed(charter, envelope, agreeing)
            epochs.append((digest(envelope.body()), charter))
        return cls(epochs)

    @property
    def digests(self) -> tuple[str, ...]:
        """Of every epoch, oldest first."""
        return tuple(self._epochs)

    def at(self, charter_digest: str) -> Charter | None:
        """The epoch with this digest, or None."""
        return self._epochs.get(charter_digest)

    def node_keys(self, member: str) -> tuple[str, ...]:
        """Every key that `member`'s node had in any epoch, newest last; none for a stranger."""
        keys: dict[str, None] = {}
        for charter in self._epochs.values():
            known = charter.member(member)
            keys.update(dict.fromkeys(known.node_keys if known is not None else ()))
        return tuple(keys)

    def require_current(self, now_ms: int) -> None:
        """Raise IntegrityError once the charter in force has expired."""
        if now_ms >= self.current.expires_at_ms:
            raise IntegrityError(
                f"the charter of league {self.current.league} expired on "
                f"{day(self.current.expires_at_ms)}",
                hint="its members have to sign a new epoch: `hansa league join`, then `sign`",
            )


def read_file(path: Path) -> CharterFile:
    """Read a charter file without verifying it.

    Raises:
        ConfigError: missing, too large, or no charter file.
    """
    try:
        if path.stat().st_size > CHARTER_FILE_BYTES_MAX:
            raise ConfigError(f"{path} is larger than any charter")
        return msgspec.json.decode(path.read_bytes(), type=CharterFile)
    except OSError as error:
        raise ConfigError(
            f"cannot read the charter {path}: {error.strerror}",
            hint="make one with `hansa league join`, or ask a member for it",
        ) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no charter file: {error}") from error


def write_file(path: Path, file: CharterFile) -> None:
    """Replace the charter file, whole or not at all."""
    write_atomic(path, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")


def missing_signatures(envelope: Envelope, agreeing: Charter) -> tuple[int, tuple[str, ...]]:
    """How many of `agreeing`'s members signed, and the ids of those who did not."""
    signed = signers(envelope, agreeing.members)
    return len(signed), tuple(each.id for each in agreeing.members if each.id not in signed)


def single_member(
    member: Member, models: Sequence[ModelTerms], root_key: SigningKey, now_ms: int
) -> Envelope:
    """The signed charter of a node that is a league of its own."""
    charter = Charter(
        league=member.id,
        epoch=1,
        predecessor="",
        threshold=1,
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + SOLO_LIFETIME_MS,
        members=(member,),
        models=tuple(models),
    )
    check_shape(charter)
    return sign(draft(charter), root_key)


def _check_follows(charter: Charter, epochs: Sequence[tuple[str, Charter]]) -> None:
    where = f"charter epoch {charter.epoch}"
    try:
        check_shape(charter)
    except ConfigError as error:
        raise IntegrityError(f"{where}: {error.message}", hint=error.hint) from error
    expected = len(epochs) + 1
    if charter.epoch != expected:
        raise IntegrityError(f"{where} stands where epoch {expected} should be")
    predecessor = epochs[-1][0] if epochs else ""
    if charter.predecessor != predecessor:
        raise IntegrityError(
            f"{where} names the predecessor {charter.predecessor[:16] or 'none'!r}, "
            f"not {predecessor[:16] or 'none'!r}",
            hint="it was drafted on another chain; ask the other members for theirs",
        )
    if epochs and charter.league != epochs[-1][1].league:
        raise IntegrityError(f"{where} is of league {charter.league}, not {epochs[-1][1].league}")


def _check_signed(charter: Charter, envelope: Envelope, agreeing: Charter) -> None:
    count, missing = missing_signatures(envelope, agreeing)
    if count >= agreeing.threshold:
        return
    by = "" if agreeing is charter else f" by members of epoch {agreeing.epoch}"
    raise IntegrityError(
        f"charter epoch {charter.epoch} has {count} of {agreeing.threshold} needed signatures{by}; "
        f"missing: {', '.join(missing)}",
        hint="hand the file to them for `hansa league sign`",
    )


def day(time_ms: int) -> str:
    try:
        return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms since 1970"
