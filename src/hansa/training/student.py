# pyright: basic, reportMissingImports=false
"""A student: some layers of a model, which learn what a teacher's logits say.

Source of the loss: Hinton, Vinyals and Dean 2015, section 2; the divergence is multiplied by the
square of the temperature, so that its gradients keep their size.
"""

import copy
from typing import Any

import torch
from torch.nn import functional

from hansa.core.errors import UserError
from hansa.training.base_model import BaseModel
from hansa.training.gguf_model import require_llama
from hansa.training.loop import AnswerLoss, logits_at
from hansa.training.recipe import Student


class TaughtLoss(AnswerLoss):
    """The loss of a student beside its teacher, which is not trained and in no checkpoint."""

    def __init__(self, model: Any, teacher: Any, student: Student) -> None:
        super().__init__(model)
        self.teacher = teacher.requires_grad_(False)
        self.student = student

    def train(self, mode: bool = True) -> "TaughtLoss":
        super().train(mode)
        self.teacher.eval()
        return self

    def losses(self, tokens: Any, positions: Any, chosen: Any) -> Any:
        """Of each target, as AnswerLoss has them."""
        logits = logits_at(self.model, tokens, positions, chosen)
        with torch.no_grad():
            taught = logits_at(self.teacher, tokens, positions, chosen)
        plain = functional.cross_entropy(logits, tokens[:, 1:][chosen].long(), reduction="none")
        apart = divergence(logits, taught, self.student.temperature)
        share = self.student.kl_weight
        return share * apart + (1 - share) * plain


def divergence(logits: Any, taught: Any, temperature: float) -> Any:
    """Kullback-Leibler divergence of the teacher's choices from the student's, in nats.

    Shapes (targets, vocabulary), and (targets,).
    """
    ours, theirs = (functional.log_softmax(each / temperature, -1) for each in (logits, taught))
    apart = functional.kl_div(ours, theirs, reduction="none", log_target=True).sum(-1)
    return apart * temperature**2


def taught_loss(base: BaseModel, other: BaseModel | None, student: Student) -> TaughtLoss:
    """Prune the base, in place, to the student's layers, and put its teacher beside it.

    The teacher is the `other` model, or the base as it was.

    Raises:
        UserError: the teacher's vocabulary is another, the base does not have the layers, or it is
            no model that can be written as GGUF.
    """
    if other and _vocabulary(other) != _vocabulary(base):
        raise UserError(
            f"the teacher {student.teacher} has another vocabulary than the base, so their logits "
            "cannot be compared",
            hint="learn from its texts instead: `hansa distil`, and [distilled] in the recipe",
        )
    require_llama(base.model)
    teacher = other.model if other else copy.deepcopy(base.model)
    prune(base.model, student.layers)
    return TaughtLoss(base.model, teacher, student)


def prune(model: Any, layers: tuple[int, ...]) -> None:
    """Leave only those layers; raises UserError for one that the model does not have."""
    every = model.model.layers
    if layers[-1] >= len(every):
        raise UserError(f"the base has {len(every)} layers, counted from 0, and no {layers[-1]}")
    model.model.layers = torch.nn.ModuleList(every[each] for each in layers)
    for place, layer in enumerate(model.model.layers):
        layer.self_attn.layer_idx = place
    model.config.num_hidden_layers = len(layers)


def _vocabulary(model: BaseModel) -> tuple[int, dict[str, int]]:
    return model.model.config.vocab_size, model.tokenizer.get_vocab()
