"""A model so small that it learns in seconds, for the tests of training."""

from pathlib import Path

SPECIAL = ("<|endoftext|>", "<P>", "<S>")
MERGE = ("t", "h")
"""llama.cpp takes no vocabulary without one."""


def make_base(
    folder: Path, *, layers: int = 2, heads: int = 4, merges: tuple[tuple[str, str], ...] = ()
) -> Path:
    """Write a Llama with random weights that reads bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges), *SPECIAL]
    vocabulary = {each: at for at, each in enumerate(letters)}
    reader = Tokenizer(models.BPE(vocabulary, list(merges)))
    reader.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    reader.decoder = decoders.ByteLevel()
    reader.add_special_tokens(list(SPECIAL))
    PreTrainedTokenizerFast(tokenizer_object=reader, eos_token=SPECIAL[0]).save_pretrained(folder)
    torch.manual_seed(1)
    # Weights large enough that an adapter alone can make a token likely.
    config = LlamaConfig(
        vocab_size=len(letters), hidden_size=64, intermediate_size=128, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads // 2, tie_word_embeddings=True,
        initializer_range=0.1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_packed_base(folder: Path, *, layers: int) -> Path:
    """The same as a GGUF that llama.cpp loads, with heads as wide as its cache packs them."""
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from hansa.training.gguf_model import write_model

    make_base(folder, layers=layers, heads=2, merges=(MERGE,))
    ids = AutoTokenizer.from_pretrained(folder).get_vocab()
    tokens = sorted(ids, key=lambda each: ids[each])
    kinds = [
        gguf.TokenType.CONTROL if each in SPECIAL else gguf.TokenType.NORMAL for each in tokens
    ]
    writer = gguf.GGUFWriter(folder / "vocabulary.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(MERGE)])
    writer.add_eos_token_id(ids[SPECIAL[0]])
    writer.add_add_bos_token(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    model = AutoModelForCausalLM.from_pretrained(folder)
    write_model(model, folder / "vocabulary.gguf", folder / "base.gguf", "tiny")
    return folder / "base.gguf"
