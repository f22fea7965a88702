"""`hansa model`, without a network."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from hansa.models import catalog, store
from hansa.models.catalog import DEFAULT_MODEL, Card, Weights, card_of

DATA = b"weights"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Card:
    """The default model, but of seven bytes; fetching it writes them."""
    real = card_of(DEFAULT_MODEL)
    weights = msgspec.structs.replace(
        real.weights, sha256=hashlib.sha256(DATA).hexdigest(), bytes=len(DATA)
    )
    small = msgspec.structs.replace(real, weights=weights)

    def download(weights: Weights, folder: Path) -> Path:
        path = folder / weights.file
        path.write_bytes(DATA)
        return path

    monkeypatch.setattr(catalog, "catalog", lambda: {small.id: small})
    monkeypatch.setattr(store, "_download", download)
    monkeypatch.setenv("HANSA_STATE_DIR", str(tmp_path / "state"))
    return small


def place(card: Card, tmp_path: Path, data: bytes = DATA) -> Path:
    path = tmp_path / "state" / "models" / card.weights.file
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


async def test_the_list_says_what_is_here(run, card: Card, tmp_path: Path):
    ran = await run("model", "list")
    assert ran.code == 0
    assert "not here; `hansa model pull` fetches it" in ran.out
    path = place(card, tmp_path)
    assert str(path) in (await run("model", "list")).out
    [row] = json.loads((await run("model", "list", "--json")).out)
    assert (row["id"], row["present"], row["path"]) == (card.id, True, str(path))


async def test_pull_prints_the_path_and_fetches_once(
    run, card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "state" / "models" / card.weights.file
    ran = await run("model", "pull")
    assert (ran.code, ran.out) == (0, f"{path}\n")
    assert "fetching the weights" in ran.err
    monkeypatch.setattr(store, "_download", None)
    again = await run("model", "pull", card.id, "--json")
    assert json.loads(again.out) == {"model": card.id, "path": str(path)}
    assert again.err == ""


async def test_a_state_folder_can_be_named(run, card: Card, tmp_path: Path):
    ran = await run("model", "pull", "--state-dir", str(tmp_path / "other"))
    assert ran.out == f"{tmp_path / 'other' / 'models' / card.weights.file}\n"


async def test_verify(run, card: Card, tmp_path: Path):
    missing = await run("model", "verify")
    assert missing.code == 2
    assert "hint: fetch them with `hansa model pull" in missing.err
    path = place(card, tmp_path)
    assert card.weights.sha256 in (await run("model", "verify")).out
    assert json.loads((await run("model", "verify", "--json")).out)["path"] == str(path)
    path.write_bytes(b"Weights")
    damaged = await run("model", "verify")
    assert damaged.code == 1
    assert "is damaged" in damaged.err
    assert (await run("model", "pull")).code == 0
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("verb", ["pull", "verify"])
async def test_an_unknown_model_is_wrong_use(run, card: Card, verb: str):
    ran = await run("model", verb, "gpt")
    assert ran.code == 2
    assert f"it has: {card.id}" in ran.err
