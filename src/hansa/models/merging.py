"""An adapter merged into the model it was trained on, as one GGUF in eight bits.

llama.cpp can apply an adapter while it runs, which costs a third more time per token on a small
model (docs/log.md). Merged it costs nothing, and eight bits, unlike four, keep what it changed.

The result is the same to the last byte on every machine, so the catalog names its digest: only
additions and multiplications of single elements are used, in a fixed order, and no library of
linear algebra, whose sums depend on the processor.
"""

import importlib
import importlib.resources
import os
from pathlib import Path
from typing import Any, Literal

from hansa.core.errors import IntegrityError, UserError
from hansa.core.files import storage_error
from hansa.models.fetching import Progress, digest_of
from hansa.models.weights import Adapted

_SKIPPED = ("GGUF.", "general.architecture", "general.file_type")
Packing = Literal["q8_0", "q4_1", "q4_0"]

_FILE_TYPES: dict[Packing, int] = {"q4_0": 2, "q4_1": 3, "q8_0": 7}
"""Source: llama.h, `enum llama_ftype`."""


def merge_adapter(weights: Adapted, base: Path, target: Path, progress: Progress) -> None:
    """Put the merged file at `target`, whole or not at all.

    Raises:
        UserError: the library that reads GGUF is not installed.
        IntegrityError: the adapter, or the result, is not what the catalog names.
        StorageError: the disk is full.
    """
    resource = importlib.resources.files("hansa.models") / "adapters" / weights.adapter
    partial = target.with_name(f".partial-{target.name}")
    try:
        with importlib.resources.as_file(resource) as adapter:
            if digest_of(adapter) != weights.adapter_sha256:
                raise IntegrityError(f"{adapter} is damaged", hint="install Hansa again")
            merge(base, adapter, partial, progress)
        if digest_of(partial) != weights.sha256:
            raise IntegrityError(
                f"merging gave another {weights.file} than the catalog names",
                hint="install the version of the package gguf that Hansa's lock file names",
            )
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise storage_error(error, target) from error
    finally:
        partial.unlink(missing_ok=True)


def merge(
    base: Path, adapter: Path, target: Path, progress: Progress, packing: Packing = "q8_0"
) -> None:
    """Write `base` with `adapter` added to `target`; matrices are packed anew, the rest is kept.

    `progress` is told of bytes read of how many.

    Raises:
        UserError: the library that reads GGUF is not installed.
        IntegrityError: the adapter was made for another model.
        StorageError: the disk is full.
    """
    gguf = _load_gguf()
    source, added = gguf.GGUFReader(base), gguf.GGUFReader(adapter)
    pairs = {tensor.name: tensor for tensor in added.tensors}
    scale = _alpha(added)
    try:
        writer = gguf.GGUFWriter(target, "llama")
        copy_facts(source, writer, _SKIPPED)
        writer.add_file_type(_FILE_TYPES[packing])
        done, every = 0, sum(int(tensor.n_bytes) for tensor in source.tensors)
        for tensor in source.tensors:
            low, high = (pairs.pop(f"{tensor.name}.lora_{side}", None) for side in "ab")
            change = (low, high, scale) if low is not None and high is not None else None
            _add_tensor(writer, tensor, change, packing, gguf)
            done += int(tensor.n_bytes)
            progress(done, every)
        if pairs:
            raise IntegrityError(f"{adapter} adapts {sorted(pairs)[0]}, which {base} does not have")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as error:
        raise storage_error(error, target) from error


def _load_gguf() -> Any:
    try:
        return importlib.import_module("gguf")
    except ImportError as error:
        raise UserError(
            "merging an adapter needs the package gguf",
            hint="pip install 'hansa[embedded]'",
        ) from error


def _alpha(adapter: Any) -> float:
    field = adapter.get_field("adapter.lora.alpha")
    if field is None:
        raise IntegrityError("the adapter does not say how strong it is (adapter.lora.alpha)")
    return float(field.contents())


def copy_facts(source: Any, writer: Any, skipped: tuple[str, ...]) -> None:
    """What a GGUF says of itself, but for names that begin with one of `skipped`."""
    for field in source.fields.values():
        if not field.name.startswith(skipped):
            inner = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)


def _add_tensor(writer: Any, tensor: Any, change: Any, packing: Packing, gguf: Any) -> None:
    kinds = gguf.GGMLQuantizationType
    if tensor.tensor_type == kinds.F32:
        writer.add_tensor(tensor.name, tensor.data)
        return
    if change is None and tensor.tensor_type == kinds.Q8_0:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=kinds.Q8_0)
        return
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    if change is not None:
        low, high, alpha = change
        _add_product(values, low, high, alpha, tensor.name)
    kind = kinds[packing.upper()]
    writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def _add_product(values: Any, low: Any, high: Any, alpha: float, name: str) -> None:
    """Add alpha / rank * high @ low to `values`, shape (out, in), one rank after the other."""
    before, after = low.data.astype("float32"), high.data.astype("float32")
    rank = before.shape[0]
    if (after.shape[0], before.shape[1]) != values.shape or after.shape[1] != rank:
        raise IntegrityError(f"the adapter's {name} does not have the shape of the model's")
    before = before * before.dtype.type(alpha / rank)
    for each in range(rank):
        values += after[:, each : each + 1] * before[each : each + 1, :]
