"""Canaries in a file of pairs, and the file that remembers them until the adapter is attacked."""

import secrets
from pathlib import Path

import msgspec

from hansa.core.errors import NotFound, UserError
from hansa.core.files import write_atomic
from hansa.models.fetching import digest_of
from hansa.models.profile import FimTokens
from hansa.training.canaries import Canary, make_canaries, planted
from hansa.training.federate.plan import Plan
from hansa.training.pairs import read_pairs, write_pairs
from hansa.training.record import NAME as RECORD
from hansa.training.record import read_record

FEDERATED = "federated.json"


class Planting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pairs_sha256: str
    """Of the file that the canaries were planted in."""
    canaries: tuple[Canary, ...]


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack has to know of a run."""

    base: str
    tokens: FimTokens
    base_sha256: str = ""
    """Empty: a folder, or a federated run."""


def plant(pairs: Path, out: Path, remembered: Path) -> Planting:
    """Write the pairs with canaries among them to `out`, and which those are to `remembered`.

    Raises:
        UserError: there are no pairs, or another planting is remembered there.
    """
    if remembered.exists():
        raise UserError(
            f"{remembered} remembers another planting",
            hint="an adapter may still be attacked by it",
        )
    canaries = make_canaries(secrets.randbits(32))
    mixed = planted(read_pairs(pairs), canaries)
    secrets.SystemRandom().shuffle(mixed)
    write_pairs(out, mixed)
    done = Planting(digest_of(out), tuple(canaries))
    write_atomic(remembered, msgspec.json.encode(done) + b"\n", mode=0o600)
    return done


def read_planting(path: Path) -> Planting:
    """Raises UserError for a file that remembers none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Planting)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UserError(
            f"{path} remembers no canaries: {error}", hint="`hansa privacy plant` writes it"
        ) from error


def trained_of(folder: Path, planting: Planting) -> Trained:
    """The run in a folder, of `hansa train` or a federated one, which knows nobody's pairs.

    Raises:
        NotFound: there is none.
        UserError: it has learnt other pairs than those with the canaries.
    """
    if (folder / RECORD).exists():
        record = read_record(folder)
        if record.pairs_sha256 != planting.pairs_sha256:
            raise UserError(
                f"{folder} has not learnt the pairs with these canaries",
                hint="`pairs` of its recipe has to name what `hansa privacy plant --out` wrote",
            )
        recipe = record.recipe
        return Trained(base=recipe.base, tokens=recipe.fim.tokens, base_sha256=record.base_sha256)
    try:
        plan = msgspec.json.decode((folder / FEDERATED).read_bytes(), type=_Federated).plan
    except OSError as error:
        raise NotFound(f"{folder} holds no run that has ended") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{folder / FEDERATED} is no record of a run: {error}") from error
    return Trained(base=plan.base, tokens=plan.tokens)


class _Federated(msgspec.Struct, frozen=True):
    plan: Plan
