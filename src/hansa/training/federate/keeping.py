# pyright: basic, reportMissingImports=false
"""What a federated run leaves: the adapter in both forms, the plan, what it promises members."""

from pathlib import Path

import msgspec

from hansa.core.files import write_atomic
from hansa.training import lora
from hansa.training.federate.home import Adapted
from hansa.training.federate.plan import epsilon
from hansa.training.federate.updates import Arrays
from hansa.training.gguf_adapter import write_gguf

DELTA = 1e-5


def keep(adapted: Adapted, arrays: Arrays, folder: Path) -> Path:
    """Write `adapter/`, `adapter.gguf` and `federated.json`; the adapter's folder."""
    adapted.take(arrays)
    home, plan = folder / "adapter", adapted.plan
    home.mkdir(parents=True, exist_ok=True)
    lora.save(adapted.model, home)
    config = adapted.base.model.config
    write_gguf(
        home, folder / "adapter.gguf", heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads, name=plan.name,
    )  # fmt: skip
    bound = epsilon(plan.noise, plan.rounds, DELTA)
    # JSON has no infinity; without noise nothing is promised.
    told = {"plan": plan, "delta": DELTA, "epsilon": bound if plan.noise else None}
    write_atomic(folder / "federated.json", msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return home
