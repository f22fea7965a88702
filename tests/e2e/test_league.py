"""Three members as three processes: a request crosses, a node dies, the accounts agree."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from hansa.accounts.keys import KeyRing
from hansa.core.clock import SystemClock
from support.league import THREE, Made, make_league
from support.nodes import NodeProcess, hansa, node_process, wait_for


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Made]:
    return make_league(tmp_path, THREE)


@pytest.fixture
def league(made: dict[str, Made]) -> Generator[dict[str, NodeProcess]]:
    with (
        node_process(made["maker"]) as maker,
        node_process(made["compute"]) as compute,
        node_process(made["editor"]) as editor,
    ):
        nodes = {"maker": maker, "compute": compute, "editor": editor}
        for node in nodes.values():
            node.wait_until("/ready")
        yield nodes


class Developer:
    """Asks the editor company's node."""

    def __init__(self, made: Made, folder: Path) -> None:
        ring = KeyRing(made.folder / "state" / "keys.json", SystemClock())
        self.environment = {
            "HANSA_NODE_URL": made.url,
            "HANSA_API_KEY": ring.create("developer", "team")[1],
            "HANSA_STATE_DIR": str(folder / "developer"),
        }
        self.file = folder / "work" / "app.py"
        self.file.parent.mkdir()
        (self.file.parent / "pyproject.toml").touch()
        self.file.write_text("value = \n")

    def complete(self, *flags: str) -> Any:
        return hansa("complete", f"{self.file}:1:9", *flags, **self.environment)


@pytest.fixture
def developer(made: dict[str, Made], tmp_path: Path) -> Developer:
    return Developer(made["editor"], tmp_path)


def receipts(made: Made) -> list[dict[str, Any]]:
    ran = hansa("receipts", "list", "--config", made.config, "--json")
    assert ran.returncode == 0, ran.stderr
    listed: list[dict[str, Any]] = json.loads(ran.stdout)
    return listed


def test_a_league_at_work(
    made: dict[str, Made], league: dict[str, NodeProcess], developer: Developer
) -> None:
    told = json.loads(developer.complete("--json").stdout)
    assert told["text"] == "None"
    assert told["route"] in ("compute/r1", "compute/r2")

    refused = developer.complete("--eu-only")
    assert refused.returncode == 1
    assert "residency" in refused.stderr

    league["compute"].kill()
    down = developer.complete()
    assert down.returncode == 1
    assert "compute" in down.stderr
    with node_process(made["compute"]) as compute:
        compute.wait_until("/ready")
        league["editor"].wait_until("/ready")
        assert developer.complete().returncode == 0
        wait_for(lambda: all(len(receipts(each)) == 2 for each in made.values()))
        wait_for(lambda: all(r["countersigned"] for r in receipts(made["compute"])))

        statements = []
        for each in made.values():
            reconciled = hansa("receipts", "reconcile", "--config", each.config)
            assert reconciled.returncode == 0, reconciled.stdout + reconciled.stderr
            verified = hansa("receipts", "verify", "--config", each.config)
            assert verified.returncode == 0, verified.stdout
            ran = hansa("settle", "all", "--config", each.config, "--json")
            statements.append(json.loads(ran.stdout))
        assert [each["member"] for each in statements] == list(made)
        assert len({json.dumps(each["lines"]) for each in statements}) == 1
        assert len({json.dumps(each["balances"]) for each in statements}) == 1
        assert all(each["adds_up"] and not each["pending"] for each in statements)


def test_route_explain_names_every_replica(
    league: dict[str, NodeProcess], developer: Developer
) -> None:
    assert league
    ran = hansa("route", "explain", "--json", **developer.environment)
    told = json.loads(ran.stdout)
    assert {each["replica"] for each in told["considered"]} == {"compute/r1", "compute/r2"}
    assert told["route"] in ("compute/r1", "compute/r2")
    refused = hansa("route", "explain", "--licence", "MIT", **developer.environment)
    assert refused.returncode == 1
    assert "rule: licence" in refused.stderr


def test_sigterm_ends_a_node_with_zero(made: dict[str, Made]) -> None:
    node = NodeProcess(made["compute"]).wait_until("/ready")
    assert node.stop() == 0
