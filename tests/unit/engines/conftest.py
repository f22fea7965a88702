"""The embedded model, if it is here."""

import os
from pathlib import Path

import pytest

from hansa.core.errors import HansaError
from hansa.core.files import user_state_dir
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore


@pytest.fixture(scope="session")
def weights() -> Path:
    """Fails in CI and skips elsewhere when `make setup-test` has not fetched them."""
    try:
        return ModelStore(user_state_dir()).require(card_of(DEFAULT_MODEL))
    except HansaError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
