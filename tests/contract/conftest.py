"""What all contract tests share."""

import pytest


@pytest.fixture(autouse=True)
def _countersign_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members need not wait a second for each other's signatures here."""
    monkeypatch.setattr("hansa.answer.peers.COUNTERSIGN_INTERVAL_S", 0.02)
