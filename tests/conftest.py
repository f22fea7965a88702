"""Order of the suites: the fast ones first, shuffled inside."""

from pathlib import Path

import pytest

SUITES = ("unit", "house", "contract", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs after pytest-randomly has shuffled; the sort is stable, so the shuffle stays."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    parts = path.relative_to(Path(__file__).parent).parts
    return SUITES.index(parts[0]) if parts[0] in SUITES else len(SUITES)
