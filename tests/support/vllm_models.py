"""Models of real architectures with random weights, small enough for any machine.

Runs in .venv-vllm, because it needs torch and transformers: `python tests/support/vllm_models.py
FOLDER` writes `mistral` (dense), `mixtral` (a mixture of experts), both with a tokenizer of their
own, and `lora`, an adapter for the dense one. What they say is nonsense; how they are served is
real.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    MistralConfig,
    MistralForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedTokenizerFast,
)

VOCABULARY = 512
HEADS, HEAD_DIM = 4, 32
LAYERS = 2
RANK = 4

SPECIAL = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[PREFIX]", "[SUFFIX]", "[MIDDLE]")

TEXT = """\
def add(first: int, second: int) -> int:
    return first + second


class Table:
    def rows(self) -> list[str]:
        return [str(row) for row in self._rows if row is not None]
The quick brown fox jumps over the lazy dog. {"name": "value", "count": 12, "items": [true, false]}
"""

CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
{%- if message.role == "assistant" %}{{ message.content }}{{ eos_token }}
{%- else %}{{ "[INST]" + (message.content or "") + "[/INST]" }}{% endif %}
{%- endfor %}
"""

SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": HEADS * HEAD_DIM,
    "intermediate_size": 256,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "head_dim": HEAD_DIM,
    "max_position_embeddings": 2048,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def make(folder: Path) -> None:
    """Write the models and the adapter under `folder`; the same bytes every time."""
    torch.manual_seed(0)
    MistralForCausalLM(MistralConfig(**SIZES)).save_pretrained(folder / "mistral")
    experts = {"num_local_experts": 4, "num_experts_per_tok": 2}
    MixtralForCausalLM(MixtralConfig(**SIZES, **experts)).save_pretrained(folder / "mixtral")
    for name in ("mistral", "mixtral"):
        _tokenizer().save_pretrained(folder / name)
    _write_adapter(folder / "lora")


def _tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level pairs: any text can be written, and read back byte by byte."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT] * 2, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template=CHAT_TEMPLATE,
    )


def _write_adapter(folder: Path) -> None:
    """Of rank 4 on q and v; loud enough to change what the model says."""
    width = HEADS * HEAD_DIM
    tensors = {}
    for layer in range(LAYERS):
        for name, out in (("q_proj", width), ("v_proj", 2 * HEAD_DIM)):
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{place}.lora_A.weight"] = torch.randn(RANK, width)
            tensors[f"{place}.lora_B.weight"] = torch.randn(out, RANK)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "mistral",
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(tensors, folder / "adapter_model.safetensors")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
