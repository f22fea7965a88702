"""Order of the suites: the fast ones first, shuffled inside."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from hansa.core.errors import HansaError
from hansa.core.files import user_state_dir
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore
from support.vllm import DENSE, VllmServer, missing, vllm_process

settings.register_profile("hansa", deadline=None)  # A timing decides no test.
settings.load_profile("hansa")

SUITES = ("unit", "house", "contract", "e2e")


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's weights; a test that lacks them fails in CI and skips elsewhere."""
    try:
        return ModelStore(user_state_dir()).require(card_of(DEFAULT_MODEL))
    except HansaError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}; `make setup-test` fetches them")


@pytest.fixture(scope="session")
def vllm_environment() -> None:
    """A test that needs vLLM and lacks it fails in CI and skips elsewhere."""
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture(scope="session")
def vllm_server(
    vllm_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Generator[VllmServer]:
    """A real vLLM with a tiny dense model; who loads an adapter unloads it."""
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    with vllm_process("mistral", log, *DENSE) as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs after pytest-randomly has shuffled; the sort is stable, so the shuffle stays."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    parts = path.relative_to(Path(__file__).parent).parts
    return SUITES.index(parts[0]) if parts[0] in SUITES else len(SUITES)
