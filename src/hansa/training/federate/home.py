# pyright: basic, reportMissingImports=false
"""A member's side: its pairs, its copy of the base, and steps on them. Nothing here sends anything.

Only the second half of the adapter (LoRA's B) learns; the first is drawn from the plan's seed, so
it is the same everywhere. The mean of members' updates then is the update of their mean, which it
is not if both halves learn. Source: Sun et al. 2024, "Improving LoRA in privacy-preserving
federated learning".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hansa.core.errors import UserError
from hansa.models.profile import Profile
from hansa.training import lora
from hansa.training.base_model import BaseModel, load_base
from hansa.training.federate.plan import Plan
from hansa.training.federate.updates import Arrays
from hansa.training.loop import AnswerLoss, evaluate, order
from hansa.training.pairs import Pair, example_of
from hansa.training.rows import Rows, pack

ROWS_MAX = 100_000
WARMUP_STEPS = 2
GRADIENT_CLIP = 1.0
LEARNT = ".lora_B."
"""In the names of what learns."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A base with an adapter on it."""

    base: BaseModel
    model: Any
    plan: Plan

    def arrays(self) -> Arrays:
        """What learns, as it is now."""
        return {name: _numpy(each) for name, each in _learnt(self.model).items()}

    def take(self, arrays: Arrays) -> None:
        """Put an adapter's numbers in."""
        with torch.no_grad():
            for name, each in _learnt(self.model).items():
                each.copy_(torch.from_numpy(np.array(arrays[name])))

    def rows(self, pairs: Sequence[Pair]) -> Rows:
        """Pairs packed into rows; those longer than a row are left out."""
        return pack(
            (example_of(each, self.plan.tokens) for each in pairs),
            self.base.tokenize,
            self.plan.row_tokens,
            context_weight=0.0,
            filler=self.base.tokenizer.eos_token_id or 0,
            rows_max=ROWS_MAX,
        )

    def loss(self, pairs: Sequence[Pair]) -> float:
        """Mean loss of the targets' tokens, in nats."""
        return evaluate(AnswerLoss(self.model), self.rows(pairs), self.plan.rows, "cpu")


def adapt(plan: Plan, weights: Path, profile: Profile) -> Adapted:
    """Load the base and put the plan's adapter on it; it changes nothing yet."""
    base = load_base(weights, "fp32", profile)
    torch.manual_seed(plan.seed)
    model = lora.attach(base.model, plan.lora)
    for name, each in model.named_parameters():
        each.requires_grad_(LEARNT in name)
    return Adapted(base, model, plan)


def train(adapted: Adapted, arrays: Arrays, pairs: Sequence[Pair], seed: tuple[int, int]) -> Arrays:
    """A round's steps from `arrays` on; what they changed.

    Raises:
        UserError: no pair fits into a row.
    """
    plan = adapted.plan
    rows = adapted.rows(pairs)
    if not len(rows):
        raise UserError("no pair fits into a row", hint="make the rows of the plan longer")
    adapted.take(arrays)
    learnt = list(_learnt(adapted.model).values())
    optimizer = torch.optim.AdamW(learnt, lr=plan.learning_rate, weight_decay=0.0)
    module = AnswerLoss(adapted.model)
    module.train()
    for step in range(plan.steps):
        optimizer.param_groups[0]["lr"] = plan.learning_rate * min(1.0, (step + 1) / WARMUP_STEPS)
        module(**_batch(rows, plan.rows, seed, step)).backward()
        torch.nn.utils.clip_grad_norm_(learnt, GRADIENT_CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return {name: each - arrays[name] for name, each in adapted.arrays().items()}


def _batch(rows: Rows, at_once: int, seed: tuple[int, int], step: int) -> dict[str, Any]:
    places = range(step * at_once, (step + 1) * at_once)
    mixed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    chosen = [order(len(rows), mixed, each // len(rows))[each % len(rows)] for each in places]
    return {
        name: torch.from_numpy(getattr(rows, name)[np.array(chosen)])
        for name in ("tokens", "positions", "weights")
    }


def _learnt(model: Any) -> dict[str, Any]:
    return {name: each for name, each in model.named_parameters() if LEARNT in name}


def _numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().to(torch.float32).cpu().numpy().copy()
