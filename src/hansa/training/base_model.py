# pyright: basic, reportMissingImports=false
"""The model that training starts from, and its tokenizer, in transformers' form."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from hansa.core.errors import UserError
from hansa.models.profile import Profile

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True, slots=True)
class BaseModel:
    model: Any
    tokenizer: Any
    profile: Profile
    """How the base is prompted as a chat."""

    def tokenize(self, text: str) -> list[int]:
        """Tokens of a text as an engine makes them, control tokens included."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


def load_base(weights: Path, precision: str, profile: Profile) -> BaseModel:
    """Load a GGUF (made plain: training needs its numbers, not its packing) or a folder.

    Raises:
        UserError: neither is there, or transformers cannot read it.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder, named = weights, {}
    if weights.is_file():
        folder, named = weights.parent, {"gguf_file": weights.name}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            packed = {"quantization_config": GgufConfig(dequantize=True)} if named else {}
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=PRECISIONS[precision], attn_implementation="sdpa", **named, **packed
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, **named)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"cannot train from {weights}: {error}") from error
    model.config.use_cache = False
    return BaseModel(model, tokenizer, profile)
