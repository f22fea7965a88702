"""The catalog: one card per model, read from the package's own TOML files."""

import functools
import importlib.resources
from typing import Literal

import msgspec

from hansa.core.errors import NotFound
from hansa.models.architecture import Architecture
from hansa.models.data import Data
from hansa.models.profile import Profile
from hansa.models.recipe import Recipe
from hansa.models.weights import Weights


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In nano-dollars per 1,000,000 tokens. The charter's terms bind; this is where they start."""

    input_nanousd_per_mtok: int
    output_nanousd_per_mtok: int
    source: str


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A benchmark's result, in percent; a claim unless Hansa measured it."""

    benchmark: str
    percent: float
    status: Literal["claimed", "measured"]
    source: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a model, and how it is prompted and launched."""

    id: str
    name: str
    summary: str
    """One line: what it is good for."""
    maker: str
    parameters: int
    """0: its maker does not say."""
    active_parameters: int = 0
    """Those a token passes through; 0: all of them, or not known."""
    licence: str
    """SPDX identifier; `LicenseRef-` where SPDX has none."""
    licence_note: str = ""
    """What it forbids, where it is no open-source licence."""
    weights: Weights
    profile: Profile
    architecture: Architecture | None = None
    """None: its maker does not say."""
    recipe: Recipe
    price: Price | None = None
    scores: tuple[Score, ...] = ()
    data: Data | None = None
    """What it was trained on; None: nobody here trained it."""

    @property
    def kind(self) -> str:
        """`dense`, `moe` or `proprietary`."""
        return self.architecture.kind if self.architecture else "proprietary"

    @property
    def active(self) -> int:
        """Parameters a token passes through; 0 if not known."""
        return self.active_parameters or self.parameters


DEFAULT_MODEL = "hansa-coder-135m"


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
