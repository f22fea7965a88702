# pyright: basic, reportMissingImports=false
"""A model so small that it learns in seconds, for the tests of training."""

from pathlib import Path

SPECIAL = ("<|endoftext|>", "<P>", "<S>")


def make_base(folder: Path) -> Path:
    """Write a Llama of two layers with random weights that reads bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *SPECIAL]
    reader = Tokenizer(models.BPE({each: at for at, each in enumerate(letters)}, []))
    reader.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    reader.decoder = decoders.ByteLevel()
    reader.add_special_tokens(list(SPECIAL))
    PreTrainedTokenizerFast(tokenizer_object=reader, eos_token=SPECIAL[0]).save_pretrained(folder)
    torch.manual_seed(1)
    # Weights large enough that an adapter alone can make a token likely.
    config = LlamaConfig(
        vocab_size=len(letters), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        initializer_range=0.1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
