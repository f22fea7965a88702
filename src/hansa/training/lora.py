# pyright: basic, reportMissingImports=false
"""A low-rank adapter on a model: attached, taken off, written as PEFT writes it."""

from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from hansa.core.errors import UserError
from hansa.training.recipe import Lora

WEIGHTS = "adapter_model.safetensors"


def attach(model: Any, lora: Lora) -> Any:
    """Freeze `model` and put an adapter on it, a new one or one to go on from; only it learns.

    Raises:
        UserError: the adapter to go on from is not there.
    """
    layers = list(range(lora.first_layer, model.config.num_hidden_layers))
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=list(lora.modules),
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise UserError(f"the model cannot be adapted so: {error}") from error
    if lora.start:
        try:
            set_peft_model_state_dict(adapted, load_file(Path(lora.start) / WEIGHTS))
        except OSError as error:
            raise UserError(f"no adapter to go on from in {lora.start}: {error}") from error
    return adapted


def save(model: Any, folder: Path) -> None:
    """`adapter_model.safetensors`, in half precision, and `adapter_config.json`, as PEFT does."""
    # The base's place on this machine is nobody's business.
    for config in model.peft_config.values():
        config.base_model_name_or_path = ""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    weights = folder / WEIGHTS
    save_file({name: each.half() for name, each in load_file(weights).items()}, weights)


def load(model: Any, folder: Path) -> Any:
    return PeftModel.from_pretrained(model, folder)
