"""An adapter merged into its base: the right numbers, the same bytes, and refusals."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from hansa.core.errors import IntegrityError
from hansa.models import merging
from hansa.models.fetching import digest_of
from hansa.models.weights import Adapted

WIDTH, RANK, ALPHA = 32, 2, 4.0
NAME = "blk.0.attn_q.weight"


def write_base(path: Path) -> np.ndarray:
    """A model of one matrix in four bits, one norm and an embedding in eight."""
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    kinds = gguf.GGMLQuantizationType
    matrix = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32)
    packed = gguf.quants.quantize(matrix, kinds.Q4_1)
    writer.add_tensor(NAME, packed, raw_dtype=kinds.Q4_1)
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(WIDTH, np.float32))
    embedding = gguf.quants.quantize(matrix, kinds.Q8_0)
    writer.add_tensor("token_embd.weight", embedding, raw_dtype=kinds.Q8_0)
    close(writer)
    return gguf.quants.dequantize(packed, kinds.Q4_1)


def write_adapter(path: Path, name: str = NAME, width: int = WIDTH) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    low = rng.normal(size=(RANK, width)).astype(np.float16)
    high = rng.normal(size=(WIDTH, RANK)).astype(np.float16)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    writer.add_tensor(f"{name}.lora_a", low)
    writer.add_tensor(f"{name}.lora_b", high)
    close(writer)
    return low, high


def close(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merge(base: Path, adapter: Path, target: Path) -> None:
    merging.merge(base, adapter, target, lambda _done, _all: None)


def test_the_product_is_added_and_the_rest_is_kept(tmp_path: Path):
    base = write_base(tmp_path / "base.gguf")
    low, high = write_adapter(tmp_path / "adapter.gguf")
    merge(tmp_path / "base.gguf", tmp_path / "adapter.gguf", tmp_path / "merged.gguf")
    merged = gguf.GGUFReader(tmp_path / "merged.gguf")
    tensors = {each.name: each for each in merged.tensors}
    wanted = base + ALPHA / RANK * high.astype(np.float32) @ low.astype(np.float32)
    got = gguf.quants.dequantize(tensors[NAME].data, tensors[NAME].tensor_type)
    assert np.abs(got - wanted).max() <= np.abs(wanted).max() / 127
    assert tensors["blk.0.attn_norm.weight"].data.tolist() == [1.0] * WIDTH
    kept = gguf.GGUFReader(tmp_path / "base.gguf").tensors[2]
    assert (tensors["token_embd.weight"].data == kept.data).all()
    assert merged.get_field("general.name").contents() == "tiny"
    assert merged.get_field("tokenizer.ggml.tokens").contents() == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"name": "blk.7.attn_q.weight"}, "does not have"), ({"width": 64}, "shape")],
)
def test_an_adapter_of_another_model_is_refused(tmp_path: Path, change: dict[str, Any], said: str):
    write_base(tmp_path / "base.gguf")
    write_adapter(tmp_path / "adapter.gguf", **change)
    with pytest.raises(IntegrityError, match=said):
        merge(tmp_path / "base.gguf", tmp_path / "adapter.gguf", tmp_path / "merged.gguf")


def test_what_is_not_as_the_catalog_says_never_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    base, folder = tmp_path / "base.gguf", tmp_path / "adapters"
    folder.mkdir()
    write_base(base)
    write_adapter(folder / "tiny.gguf")
    monkeypatch.setattr(merging.importlib.resources, "files", lambda _package: tmp_path)
    merge(base, folder / "tiny.gguf", tmp_path / "expected.gguf")
    right = Adapted(
        base="tiny", adapter="tiny.gguf", adapter_sha256=digest_of(folder / "tiny.gguf"),
        file="merged.gguf", sha256=digest_of(tmp_path / "expected.gguf"), bytes=1,
    )  # fmt: skip
    target = tmp_path / "merged.gguf"
    merging.merge_adapter(right, base, target, lambda _done, _all: None)
    assert digest_of(target) == right.sha256
    target.unlink()
    for field in ("sha256", "adapter_sha256"):
        wrong = Adapted(
            **{name: getattr(right, name) for name in right.__struct_fields__} | {field: "00"}
        )
        with pytest.raises(IntegrityError):
            merging.merge_adapter(wrong, base, target, lambda _done, _all: None)
    assert sorted(path.name for path in tmp_path.glob("*.gguf")) == ["base.gguf", "expected.gguf"]
