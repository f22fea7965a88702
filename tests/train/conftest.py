# pyright: basic, reportMissingImports=false
"""What tests of training share: a tiny model, a corpus. Run by .venv-train (`make test` does)."""

import shutil
import sysconfig
from pathlib import Path

import pytest

from hansa.core.files import user_state_dir
from hansa.models.catalog import card_of
from hansa.models.store import ModelStore
from hansa.training.corpus.build import build

MODULES = ("heapq", "bisect", "textwrap", "shlex", "fnmatch", "statistics", "copy", "queue")
LICENCE = """MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions: The above copyright notice and this
permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.
"""


@pytest.fixture(scope="session")
def weights() -> Path:
    """The model that adapters are made for."""
    return ModelStore(user_state_dir()).require(card_of("smollm2-135m-instruct"))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few modules of the standard library, as a tree with a licence of its own."""
    tree = tmp_path_factory.mktemp("tree") / "tiny-1.0"
    tree.mkdir()
    (tree / "LICENSE").write_text(LICENCE)
    for name in MODULES:
        shutil.copy(Path(sysconfig.get_path("stdlib")) / f"{name}.py", tree)
    out = tmp_path_factory.mktemp("corpus") / "out"
    made = build([tree], out, workers=0)
    assert made.kept >= len(MODULES) - 2
    return out


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """A Llama of two layers with random weights and the embedded model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=49_152, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(folder)
    return folder
