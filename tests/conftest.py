"""Order of the suites: the fast ones first, shuffled inside."""

import os
from pathlib import Path

import pytest

from hansa.core.errors import HansaError
from hansa.core.files import user_state_dir
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs after pytest-randomly has shuffled; the sort is stable, so the shuffle stays."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    parts = path.relative_to(Path(__file__).parent).parts
    return SUITES.index(parts[0]) if parts[0] in SUITES else len(SUITES)
