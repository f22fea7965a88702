"""How far a charter file is: in force, or a draft, and whose signatures it waits for."""

import msgspec

from hansa.core.errors import ConfigError, IntegrityError
from hansa.core.signing import SigningKey
from hansa.league.chain import Chain, missing_signatures
from hansa.league.charter import CharterFile, check_shape, decode, sign


class Standing(msgspec.Struct, frozen=True):
    league: str
    epoch: int
    state: str
    """`signed`, or `draft` and what is missing."""
    may_sign: tuple[str, ...]
    """Members whose signature would bring a draft further."""


def standing(file: CharterFile) -> Standing:
    """Where the last epoch of `file` stands."""
    last = file.epochs[-1]
    content = decode(last)
    waiting: set[str] = set()
    for agreeing in (decode(each) for each in file.epochs[-2:]):
        count, missing = missing_signatures(last, agreeing)
        if count < agreeing.threshold:
            waiting.update(missing)
    try:
        Chain.of(file.epochs)
        state = "signed"
    except IntegrityError as error:
        state = f"draft: {error.message}"
    return Standing(content.league, content.epoch, state, tuple(sorted(waiting)))


def sign_last(file: CharterFile, key: SigningKey) -> CharterFile:
    """Sign the last epoch as one of its members, or of its predecessor's.

    Raises:
        ConfigError: the key is no such member's root key, or the charter could not work.
    """
    *before, last = file.epochs
    check_shape(decode(last))
    roots = {member.root_key for each in file.epochs[-2:] for member in decode(each).members}
    if key.public not in roots:
        raise ConfigError(
            "this is the root key of no member of the charter",
            hint="sign with root.key, not node.key; or join first",
        )
    return CharterFile((*before, sign(last, key)))
