"""Changing a charter: every change is a draft until enough members have signed it."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.files import write_atomic
from hansa.core.money import parse_usd
from hansa.core.signing import Envelope
from hansa.league.chain import Chain
from hansa.league.charter import CharterFile, check_shape, decode, digest, draft
from hansa.wire.protocol import Charter, Member, ModelTerms, Shares


def redraft(
    file: CharterFile, change: Callable[[Charter], Charter], *, lifetime_ms: int, now_ms: int
) -> tuple[CharterFile, bool]:
    """Apply `change` to the draft at the end of `file`, or to a new one after a signed epoch.

    Returns:
        The file with the changed draft, and whether signatures on the old draft were dropped.

    Raises:
        ConfigError: the changed charter could not work.
    """
    signed, unsigned = _parted(file)
    if unsigned is not None:
        base, dropped = decode(unsigned), bool(unsigned.signatures)
    else:
        base, dropped = _successor(signed), False
    charter = msgspec.structs.replace(
        change(base), issued_at_ms=now_ms, expires_at_ms=now_ms + lifetime_ms
    )
    check_shape(charter)
    return CharterFile((*signed, draft(charter))), dropped


def found(
    league: str, members: tuple[Member, ...], threshold: int, *, lifetime_ms: int, now_ms: int
) -> CharterFile:
    """The draft of a league's first epoch."""
    charter = Charter(
        league=league,
        epoch=1,
        predecessor="",
        threshold=threshold,
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + lifetime_ms,
        members=members,
        models=(),
    )
    check_shape(charter)
    return CharterFile((draft(charter),))


def with_member(charter: Charter, member: Member) -> Charter:
    """Add a member, or replace it: new keys, a new address."""
    others = tuple(each for each in charter.members if each.id != member.id)
    members = sorted((*others, member), key=lambda each: each.id)
    return msgspec.structs.replace(charter, members=tuple(members))


def without_member(charter: Charter, member_id: str) -> Charter:
    """Take a member out; it must make no model that stays.

    Raises:
        ConfigError: no such member, or the threshold cannot be met without it.
    """
    if charter.member(member_id) is None:
        raise ConfigError(f"{member_id!r} is no member of league {charter.league}")
    members = tuple(each for each in charter.members if each.id != member_id)
    threshold = min(charter.threshold, max(len(members), 1))
    return msgspec.structs.replace(charter, members=members, threshold=threshold)


def with_model(charter: Charter, terms: ModelTerms) -> Charter:
    """Add a model, or replace its terms."""
    others = tuple(each for each in charter.models if each.model != terms.model)
    models = sorted((*others, terms), key=lambda each: each.model)
    return msgspec.structs.replace(charter, models=tuple(models))


def with_threshold(charter: Charter, league: str | None, threshold: int | None) -> Charter:
    """Set the threshold, if one is given; `league`, if given, must be the charter's own."""
    if league is not None and charter.league != league:
        raise ConfigError(f"this is the charter of league {charter.league}, not of {league}")
    if threshold is None:
        return charter
    return msgspec.structs.replace(charter, threshold=threshold)


def write_member(path: Path, member: Member) -> None:
    write_atomic(path, msgspec.json.format(msgspec.json.encode(member), indent=2) + b"\n")


def read_member(path: Path) -> Member:
    """A `member.json` as `hansa league init` writes it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Member)
    except OSError as error:
        raise ConfigError(f"cannot read the member file {path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is no member file: {error}", hint="`hansa league init` writes one"
        ) from error


def read_offers(path: Path) -> list[ModelTerms]:
    """A TOML file of `[[model]]` tables, with prices as decimal strings.

    Raises:
        ConfigError: names the file, the model and the field.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        tables = msgspec.convert(content, type=_OfferFile).model
    except OSError as error:
        raise ConfigError(f"cannot read the offers {path}: {error.strerror}") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path} holds no offers: {error}") from error
    return [table.terms() for table in tables]


def parse_shares(text: str) -> Shares:
    """Read `maker=3000,compute=6500,commons=500`, in basis points.

    Raises:
        ConfigError: another form, or an unknown name.
    """
    shares: dict[str, Any] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name not in Shares.__struct_fields__ or not number.isascii() or not number.isdigit():
            raise ConfigError(
                f"{part!r} is no share", hint="write maker=3000,compute=6500,commons=500"
            )
        shares[name] = int(number)
    return Shares(shares.get("maker", 0), shares.get("compute", 0), shares.get("commons", 0))


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms as people write them."""

    model: str
    maker: str
    licence: str
    price_input: str
    """Dollars per 1,000,000 tokens."""
    price_output: str
    shares: Shares
    weights_sha256: str = ""

    def terms(self) -> ModelTerms:
        return ModelTerms(
            model=self.model,
            maker=self.maker,
            licence=self.licence,
            weights_sha256=self.weights_sha256,
            price_input_nanousd_per_mtok=parse_usd(self.price_input),
            price_output_nanousd_per_mtok=parse_usd(self.price_output),
            shares=self.shares,
        )


class _OfferFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: tuple[Offer, ...]


def _parted(file: CharterFile) -> tuple[tuple[Envelope, ...], Envelope | None]:
    """The epochs in force, and the draft after them if there is one."""
    *before, last = file.epochs
    if before:
        Chain.of(before)
    try:
        Chain.of(file.epochs)
    except IntegrityError:
        return tuple(before), last
    return file.epochs, None


def _successor(signed: tuple[Envelope, ...]) -> Charter:
    chain = Chain.of(signed)
    return msgspec.structs.replace(
        chain.current,
        epoch=chain.current.epoch + 1,
        predecessor=digest(signed[-1].body()),
    )
