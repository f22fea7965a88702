"""`hansa demo --json`: the whole product, every step."""

import json
from pathlib import Path

import pytest

from support.nodes import hansa

pytestmark = pytest.mark.model


@pytest.mark.timeout(300)
def test_every_step_happens(weights: Path) -> None:
    assert weights.exists()
    ran = hansa("demo", "--json", timeout_s=280)
    told = json.loads(ran.stdout)
    assert told.get("error") is None
    assert ran.returncode == 0
    assert told["ok"]
    assert len(told["steps"]) == 10
    assert all(each["ok"] for each in told["steps"])


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = hansa("demo", "--dir", tmp_path)
    assert ran.returncode == 2
    assert "not empty" in ran.stderr
