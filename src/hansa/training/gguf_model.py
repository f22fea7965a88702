# pyright: basic, reportMissingImports=false
"""A whole Llama of transformers' as the GGUF that llama.cpp loads, in eight bits.

Rows of query and key projections are put in llama.cpp's order (see `gguf_adapter`). What it needs
to know of the vocabulary is taken from another GGUF of the same vocabulary, as it stands there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from hansa.core.errors import UserError
from hansa.models.merging import copy_facts
from hansa.training.gguf_adapter import NAMES, interleaved

_PARTS = NAMES | {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
_WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.weight$")
_PACKED = gguf.GGMLQuantizationType.Q8_0


def write_model(model: Any, vocabulary: Path, target: Path, name: str) -> None:
    """Write `model` to `target`, whole or not at all; `vocabulary` is a GGUF that has the same.

    Raises:
        UserError: it is no Llama, or one whose positions turn in a way of their own.
    """
    require_llama(model)
    partial = target.with_name(f".partial-{target.name}")
    writer = gguf.GGUFWriter(partial, "llama")
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _add_shape(writer, model.config)
    source = gguf.GGUFReader(vocabulary)
    architecture = source.fields["general.architecture"].contents()
    copy_facts(source, writer, ("GGUF.", "general.", f"{architecture}."))
    for tensor, values in _tensors(model):
        if values.ndim == 1:
            writer.add_tensor(tensor, values)
        else:
            writer.add_tensor(tensor, gguf.quants.quantize(values, _PACKED), raw_dtype=_PACKED)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(target)


def require_llama(model: Any) -> None:
    """Raises UserError for a model whose GGUF cannot be written here."""
    config = model.config
    turn = config.rope_parameters["rope_type"] if config.model_type == "llama" else ""
    if turn != "default":
        raise UserError(
            f"a {config.model_type} with positions of type {turn or 'unknown'} cannot be written "
            "as GGUF here",
            hint="take a Llama without scaled positions",
        )


def _add_shape(writer: Any, config: Any) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)


def _tensors(model: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and values as llama.cpp has them; a head that is the embedding is not said again."""
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for key, value in model.named_parameters():
        values = value.detach().float().cpu().numpy()
        layer = _LAYER.match(key)
        if layer is None:
            yield _WHOLE[key], values
            continue
        part = _PARTS[layer[2]]
        rows = interleaved(values, heads[part]) if part in heads else values
        yield f"blk.{layer[1]}.{part}.weight", np.ascontiguousarray(rows)
