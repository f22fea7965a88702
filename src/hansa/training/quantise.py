# pyright: basic, reportMissingImports=false
"""A trained adapter merged and packed in several ways, each with what it costs in loss.

The loss is that of the run's held-out rows, by the numbers as packed; the base's own, without the
adapter, stands beside it. FP8 for vLLM is a recipe, not run here: `recipes/fp8.py`.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch

from hansa.core.errors import NotFound
from hansa.models.merging import Packing, merge
from hansa.training import loop
from hansa.training.base_model import load_base
from hansa.training.recipe import PLAIN_CHAT
from hansa.training.record import read_record
from hansa.training.rows import Rows
from hansa.training.stage1 import ROWS


class Packed(msgspec.Struct, frozen=True):
    name: str
    bytes: int
    held_out: float
    """Nats a token that is missing."""


def quantise(run: Path, base: Path, packings: Sequence[Packing]) -> list[Packed]:
    """Write `merged-PACKING.gguf` into a run's folder for each, and measure them.

    Raises:
        NotFound: the run has not ended, or has no adapter.
    """
    rows = _held_out(run)
    adapter = run / "adapter.gguf"
    if not adapter.exists():
        raise NotFound(f"{run} has no adapter to merge")
    found = [Packed("base", base.stat().st_size, _loss(base, rows))]
    for packing in packings:
        target = run / f"merged-{packing}.gguf"
        merge(base, adapter, target, lambda _done, _all: None, packing)
        found.append(Packed(packing, target.stat().st_size, _loss(target, rows)))
    return found


def _held_out(run: Path) -> Rows:
    record = read_record(run)
    with np.load(run / ROWS) as kept:
        every = Rows(kept["tokens"], kept["positions"], kept["weights"])
    return every.taken(slice(record.held_out_rows))


def _loss(weights: Path, rows: Rows) -> float:
    model = load_base(weights, "fp32", PLAIN_CHAT).model
    with torch.no_grad():
        return round(loop.evaluate(loop.AnswerLoss(model), rows, 2, torch.device("cpu")), 4)
