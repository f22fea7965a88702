"""An adapter of PEFT's as the GGUF that llama.cpp loads.

llama.cpp keeps the rows of Llama's query and key projections in another order than transformers
(the halves of each head interleaved, for its rotary embedding), so their `B` is put in that order.
Source: the layout that `convert_lora_to_gguf.py` of llama.cpp documents; checked in tests by what
both engines say to the same prompt.
"""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

from hansa.core.errors import UserError
from hansa.core.files import write_atomic

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Parts of a Llama layer, in transformers and in GGUF."""

_KEY = re.compile(r"model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight$")


def write_gguf(folder: Path, target: Path, *, heads: int, kv_heads: int, name: str) -> None:
    """Write the adapter in `folder` (PEFT's two files) to `target`, in half precision.

    Raises:
        UserError: it adapts a part that llama.cpp's Llama does not have.
    """
    config = json.loads((folder / "adapter_config.json").read_text())
    partial = target.with_name(f".partial-{target.name}")
    writer: Any = GGUFWriter(partial, "llama")
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    for key, value in sorted(_load(folder / "adapter_model.safetensors").items()):
        layer, part, side = _parts(key)
        turned = side == "B" and part in {"attn_q", "attn_k"}
        rows = interleaved(value, heads if part == "attn_q" else kv_heads) if turned else value
        tensor = f"blk.{layer}.{part}.weight.lora_{side.lower()}"
        writer.add_tensor(tensor, np.ascontiguousarray(rows.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_atomic(target, partial.read_bytes())
    partial.unlink()


def _load(path: Path) -> dict[str, NDArray[np.float32]]:
    """Tensors by name; the library is loaded here, because it comes with the extra `train`."""
    safetensors: Any = importlib.import_module("safetensors.numpy")
    return safetensors.load_file(path)


def _parts(key: str) -> tuple[int, str, str]:
    match = _KEY.search(key)
    if match is None or match[2] not in NAMES:
        raise UserError(f"llama.cpp cannot adapt {key}", hint=f"adapt only {', '.join(NAMES)}")
    return int(match[1]), NAMES[match[2]], match[3]


def interleaved(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows (heads * 2 * half, any): from halves one after the other to pairs."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
