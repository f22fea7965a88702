# pyright: basic, reportMissingImports=false
"""A low-rank adapter on a model: attached, taken off, written as PEFT writes it."""

from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from hansa.training.recipe import Lora


def attach(model: Any, lora: Lora) -> Any:
    """Freeze `model` and put an adapter on it; only the adapter learns."""
    layers = list(range(lora.first_layer, model.config.num_hidden_layers))
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=list(lora.modules),
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def save(model: Any, folder: Path) -> None:
    """`adapter_model.safetensors`, in half precision, and `adapter_config.json`, as PEFT does."""
    # The base's place on this machine is nobody's business.
    for config in model.peft_config.values():
        config.base_model_name_or_path = ""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    weights = folder / "adapter_model.safetensors"
    save_file({name: each.half() for name, each in load_file(weights).items()}, weights)


def load(model: Any, folder: Path) -> Any:
    return PeftModel.from_pretrained(model, folder)
