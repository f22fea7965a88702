"""Canaries among pairs are remembered, and attacked only where they were learnt."""

from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import NotFound, UserError
from hansa.models.fetching import digest_of
from hansa.models.profile import FimTokens
from hansa.training.canaries import COPIES, EACH
from hansa.training.federate.plan import Plan
from hansa.training.pairs import Pair, read_pairs, write_pairs
from hansa.training.planting import Planting, plant, read_planting, trained_of
from support.promotion import Case, make_case, write_record

OWN = [Pair("python", f"def double(n{n}):\n    return ", "\n", f"2 * n{n}") for n in range(8)]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl", OWN)
    return tmp_path / "pairs.jsonl"


def test_each_canary_is_there_as_often_as_is_remembered(tmp_path: Path, pairs: Path):
    out, remembered = tmp_path / "planted.jsonl", tmp_path / "canaries.json"
    plant(pairs, out, remembered)
    planting = read_planting(remembered)
    mixed = list(read_pairs(out))
    assert planting.pairs_sha256 == digest_of(out)
    assert [mixed.count(each.pair) for each in planting.canaries] == [
        copies for copies in COPIES for _ in range(EACH)
    ]
    assert all(each in mixed for each in OWN)
    assert mixed[: len(OWN)] != OWN, "canaries are not all at the end"
    assert not [each for each in (out, remembered) if each.stat().st_mode & 0o077]


def test_a_planting_is_not_forgotten_for_another(tmp_path: Path, pairs: Path):
    plant(pairs, tmp_path / "planted.jsonl", tmp_path / "canaries.json")
    with pytest.raises(UserError, match="another planting"):
        plant(pairs, tmp_path / "again.jsonl", tmp_path / "canaries.json")


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]"])
def test_a_file_that_remembers_nothing_is_said(tmp_path: Path, text: bytes):
    (tmp_path / "canaries.json").write_bytes(text)
    with pytest.raises(UserError, match=r"canaries\.json"):
        read_planting(tmp_path / "canaries.json")


def test_only_a_run_that_learnt_them_is_attacked(tmp_path: Path):
    case: Case = make_case(tmp_path / "case")
    record = write_record(case, base_sha256="0c", pairs_sha256="0d")
    found = trained_of(case.run, Planting("0d", ()))
    assert (found.base, found.base_sha256) == (record.recipe.base, "0c")
    assert found.tokens == record.recipe.fim.tokens
    with pytest.raises(UserError, match="has not learnt"):
        trained_of(case.run, Planting("0e", ()))


def test_a_federated_run_is_known_by_its_plan(tmp_path: Path):
    tokens = FimTokens("<P>", "<S>", "", order="spm")
    told = {"plan": Plan(name="spring", base="some-base", tokens=tokens), "epsilon": None}
    (tmp_path / "federated.json").write_bytes(msgspec.json.encode(told))
    found = trained_of(tmp_path, Planting("0e", ()))
    assert (found.base, found.tokens, found.base_sha256) == ("some-base", tokens, "")
    (tmp_path / "federated.json").unlink()
    with pytest.raises(NotFound, match="no run that has ended"):
        trained_of(tmp_path, Planting("0e", ()))
