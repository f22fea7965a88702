"""What a stage of training does, as one TOML file says it: `recipes/*.toml`."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hansa.core.errors import ConfigError
from hansa.models.profile import FimTokens, Profile

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


PLAIN_CHAT = Profile(chat="chatml", stop=("<|im_end|>",), context_tokens=2048, chars_per_token=3.0)
"""How a base is prompted that the catalog does not know."""


class Cuts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which middles are cut out, by weight."""

    characters: Weight = 1.0
    """Between two random characters, as published (Bavarian et al. 2022)."""
    line: Weight = 0.0
    """One whole line."""
    rest_of_line: Weight = 0.0
    """From a random character of a line to its end: what an editor asks most."""
    lines: Weight = 0.0
    """A run of two to six lines."""

    def __post_init__(self) -> None:
        if not self.characters + self.line + self.rest_of_line + self.lines:
            raise ValueError("every weight is zero")


class Fim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filling in the middle."""

    tokens: FimTokens
    """As the model will be asked: its order is the one most examples have."""
    other_middle: str
    """What precedes the middle in the other order."""
    share: Share = 0.9
    """Of examples whose middle is cut out; the rest is continued from the prefix alone."""
    other_order: Share = 0.1
    """Of those, how many are written in the other order of prefix and suffix."""
    functions: Share = 0.5
    """Of examples that are one function alone; the rest is a window on a file."""
    window_chars: Count = 1200
    """At most this much is seen on each side of the middle."""
    middle_chars: Count = 400
    per_chars: Count = 1500
    """One example for each so many characters of a document."""
    cuts: Cuts = Cuts()


class Instruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Docstring to body, as a chat; only functions whose own examples run."""

    share: Share = 0.0
    """Of all rows."""
    copies: Count = 1
    """How often each is seen."""


class Distilled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a teacher said: the file that `hansa distil` wrote."""

    share: Share = 0.0
    """Of all rows."""
    file: str = ""


class Student(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some of the base's layers alone, which learn what a teacher would say: a draft model."""

    layers: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]
    """Of the base, counted from 0, in their order."""
    teacher: str = ""
    """As `base` is named, and of its vocabulary; empty: the base itself, whole."""
    kl_weight: Share = 0.5
    """Of the divergence from the teacher in the loss; the rest is cross-entropy with the text."""
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """Of both their choices in the divergence: the higher, the more unlikely tokens count."""

    def __post_init__(self) -> None:
        if not self.layers or list(self.layers) != sorted(set(self.layers)):
            raise ValueError("layers are named once each, in their order")


class Lora(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    rank: Count = 16
    alpha: float = 32.0
    start: str = ""
    """Folder of an adapter of the same shape to go on from; empty: a new one."""
    first_layer: int = 0
    """Layers before it are left as they are, which saves their backward pass."""
    modules: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    count: Count
    rows: Count = 4
    """Per step and process."""
    row_tokens: Count = 768
    learning_rate: float = 5e-4
    warmup: Count = 20
    final_rate: Share = 0.1
    """Of the learning rate, at the end of a cosine."""
    context_weight: Share = 0.0
    """What a token of the prompt weighs in the loss beside one of the answer."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Norm of the gradient at most."""
    checkpoint: Count = 50
    """Steps from one checkpoint, and one look at held-out rows, to the next."""
    held_out_rows: Count = 16


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    base: str
    """A model of the catalog with weights that are here, or a folder in transformers' format."""
    seed: int = 0
    method: Literal["lora", "full"] = "lora"
    precision: Literal["bf16", "fp32"] = "bf16"
    source_chars: Count = 2_000_000
    """Of each source of the corpus at most."""
    fim: Fim
    instruct: Instruct = Instruct()
    distilled: Distilled = Distilled()
    student: Student | None = None
    pairs: str = ""
    """File of what people settled on (`hansa events pairs`, `hansa privacy plant`); all of it is
    learnt, a pair once in each pass over the rows."""
    lora: Lora = Lora()
    steps: Steps

    def __post_init__(self) -> None:
        if self.student and self.method != "full":
            raise ValueError('a student is trained whole: method = "full"')


def read_recipe(path: Path) -> Recipe:
    """Raises ConfigError, naming the field, for a recipe that cannot be followed."""
    try:
        return msgspec.toml.decode(path.read_text("utf-8"), type=Recipe)
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="recipes/ holds working ones") from error
