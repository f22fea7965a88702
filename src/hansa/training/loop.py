# pyright: basic, reportMissingImports=false
"""The loop of a stage: rows in, a better model out, whatever interrupts it.

It runs under Accelerate, so the same recipe goes on one processor, on several GPUs (FSDP) and on
several machines (Ray Train). Which rows a step sees follows from the seed and the step alone, and a
checkpoint holds everything else; a run that was killed goes on to the same losses.
"""

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from peft.helpers import disable_input_dtype_casting
from torch.nn import functional

from hansa.core.files import write_atomic
from hansa.training.recipe import Steps
from hansa.training.record import Loss, note
from hansa.training.rows import Rows

CHECKPOINTS_KEPT = 2

Seen = Callable[[int, float, float], None]
"""Step, loss, tokens a second."""


class AnswerLoss(torch.nn.Module):
    """A language model that gives the loss of its targets alone.

    The head, a fifth of a small model's work, is left out wherever nothing is to be foretold.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Any, positions: Any, weights: Any) -> Any:
        """Shapes (rows, row_tokens); the mean over targets, by weight."""
        wanted = weights[:, 1:]
        chosen = wanted > 0
        losses = self.losses(tokens, positions, chosen)
        return (losses * wanted[chosen]).sum() / wanted[chosen].sum().clamp(min=1.0)

    def losses(self, tokens: Any, positions: Any, chosen: Any) -> Any:
        """Of each target; `chosen`, of shape (rows, row_tokens - 1), says before which they are."""
        logits = logits_at(self.model, tokens, positions, chosen)
        return functional.cross_entropy(logits, tokens[:, 1:][chosen].long(), reduction="none")


def logits_at(model: Any, tokens: Any, positions: Any, chosen: Any) -> Any:
    """What a language model says after each chosen token: (chosen, vocabulary) float32."""
    core = model.get_base_model() if hasattr(model, "peft_config") else model
    with _at_base_precision(model, core.dtype):
        hidden = core.model(input_ids=tokens, position_ids=positions).last_hidden_state
        return core.lm_head(hidden[:, :-1][chosen]).float()


@contextmanager
def _at_base_precision(model: Any, dtype: Any) -> Iterator[None]:
    """An adapter's own numbers stay in single precision, its products are made in the base's.

    PEFT would widen what goes into each adapter instead, which takes a third of a step.
    """
    if dtype == torch.float32 or not hasattr(model, "peft_config"):
        yield
        return
    with torch.autocast(model.device.type, dtype), disable_input_dtype_casting(model):
        yield


def train(
    accelerator: Accelerator, objective: AnswerLoss, rows: Rows, held_out: Rows, steps: Steps,
    seed: int, folder: Path, seen: Seen, started_s: float,
) -> None:  # fmt: skip
    """Train the objective's model, in place, to the last step; `folder` holds checkpoints.

    `started_s`, by `time.monotonic`, is when this start of the run began.
    """
    model = objective.model
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=steps.learning_rate, weight_decay=steps.weight_decay, betas=(0.9, 0.95)
    )
    module, optimizer = accelerator.prepare(objective, optimizer)
    first = _resume(folder, model, optimizer)
    for step in range(first, steps.count):
        began = time.monotonic()
        _set_rate(optimizer, rate(steps, step))
        batch = _batch(rows, steps.rows, seed, step, accelerator)
        module.train()
        loss = module(**batch)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trained, steps.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        speed = batch["tokens"].numel() * accelerator.num_processes / (time.monotonic() - began)
        at_checkpoint = (step + 1) % steps.checkpoint == 0 or step + 1 == steps.count
        held = evaluate(module, held_out, steps.rows, accelerator.device) if at_checkpoint else None
        if accelerator.is_main_process:
            noted_s = time.monotonic()
            note(folder, Loss(step, loss.item(), held, round(noted_s - started_s, 3)))
            started_s = noted_s
            seen(step, loss.item(), speed)
            if at_checkpoint:
                _save(folder, step + 1, model, optimizer)


def evaluate(module: Any, rows: Rows, at_once: int, device: Any) -> float:
    """Mean loss of held-out rows, by the weights of their targets."""
    module.eval()
    total = weight = 0.0
    with torch.no_grad():
        for start in range(0, len(rows), at_once):
            batch = _tensors(rows, np.arange(start, min(start + at_once, len(rows))), device)
            targets = float(batch["weights"][:, 1:].sum())
            total += float(module(**batch)) * targets
            weight += targets
    return total / max(weight, 1.0)


def rate(steps: Steps, step: int) -> float:
    """Learning rate: a linear warm-up, then a cosine down to its final share."""
    if step < steps.warmup:
        return steps.learning_rate * (step + 1) / steps.warmup
    done = (step - steps.warmup) / max(1, steps.count - steps.warmup)
    share = steps.final_rate + (1 - steps.final_rate) * (1 + math.cos(math.pi * done)) / 2
    return steps.learning_rate * share


def order(rows: int, seed: int, epoch: int) -> Any:
    """The order in which an epoch sees the rows."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


def _batch(rows: Rows, at_once: int, seed: int, step: int, accelerator: Any) -> dict[str, Any]:
    at_all = at_once * accelerator.num_processes
    place = step * at_all + at_once * accelerator.process_index
    places = range(place, place + at_once)
    chosen = [order(len(rows), seed, each // len(rows))[each % len(rows)] for each in places]
    return _tensors(rows, np.array(chosen), accelerator.device)


def _tensors(rows: Rows, chosen: Any, device: Any) -> dict[str, Any]:
    return {
        "tokens": torch.from_numpy(rows.tokens[chosen]).to(device),
        "positions": torch.from_numpy(rows.positions[chosen]).to(device),
        "weights": torch.from_numpy(rows.weights[chosen]).to(device),
    }


def _set_rate(optimizer: Any, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value


def _save(folder: Path, step: int, model: Any, optimizer: Any) -> None:
    """A checkpoint appears whole or not at all; older ones go."""
    home = folder / "checkpoints"
    partial = home / f".partial-{step}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    torch.save(
        {
            "step": step,
            "trained": {
                name: each.detach().cpu()
                for name, each in model.named_parameters()
                if each.requires_grad
            },
            "optimizer": optimizer.state_dict(),
        },
        partial / "state.pt",
    )
    target = home / f"step-{step:07d}"
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    write_atomic(home / "latest", target.name.encode())
    for old in sorted(home.glob("step-*"))[:-CHECKPOINTS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _resume(folder: Path, model: Any, optimizer: Any) -> int:
    """The step to begin with; what the latest checkpoint holds is put back."""
    latest = folder / "checkpoints" / "latest"
    if not latest.exists():
        return 0
    path = latest.parent / latest.read_text().strip() / "state.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)
    known = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["trained"].items():
            known[name].copy_(value)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
