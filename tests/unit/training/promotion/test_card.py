"""A trained model's card says what its run, its evals and its corpus say, and nothing else."""

import shutil
from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import IntegrityError, NotFound
from hansa.evals.store import runs_folder
from hansa.models.catalog import Card, card_of
from hansa.models.weights import Adapted
from hansa.training.card import MERGED, card_of_run, card_toml
from support.promotion import CANDIDATE, LIVE, Case, make_case, write_manifest


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = make_case(tmp_path / "case")
    (case.run / MERGED).write_bytes(b"merged")
    return case


def test_a_card_is_the_runs_own_data(case: Case):
    card = card_of_run(case.run, CANDIDATE, case.state, case.corpus)
    assert isinstance(card.weights, Adapted)
    assert (card.weights.base, card.weights.bytes) == (LIVE, 6)
    assert card.licence == card_of(LIVE).licence
    assert card.profile.fim
    assert card.profile.fim.order == "psm"
    [score] = card.scores
    assert (score.benchmark, score.percent, score.status) == ("single-line", 60.0, "measured")
    assert score.source == "hansa eval 0: 60 of 100, greedy"
    assert card.data
    assert card.data.licences == {"MIT": 7}
    assert (card.data.documents, card.data.replaced, card.data.evals_texts) == (7, 3, 164)


def test_it_is_written_as_the_catalog_has_it(case: Case):
    card = card_of_run(case.run, CANDIDATE, case.state, case.corpus)
    assert msgspec.toml.decode(card_toml(card), type=Card) == card


def test_without_evals_it_claims_nothing(case: Case):
    shutil.rmtree(runs_folder(case.state))
    card = card_of_run(case.run, CANDIDATE, case.state)
    assert (card.scores, card.data) == ((), None)


def test_weights_that_were_not_merged_have_no_digest(case: Case):
    (case.run / MERGED).unlink()
    with pytest.raises(NotFound, match="no merged"):
        card_of_run(case.run, CANDIDATE, case.state)


def test_another_corpus_is_not_described(case: Case):
    write_manifest(case, evals_texts=1)
    with pytest.raises(IntegrityError, match="another corpus"):
        card_of_run(case.run, CANDIDATE, case.state, case.corpus)


def test_an_adapter_that_was_changed_gets_no_card(case: Case):
    (case.run / "adapter.gguf").write_bytes(b"another")
    with pytest.raises(IntegrityError, match="not what the run made"):
        card_of_run(case.run, CANDIDATE, case.state)
