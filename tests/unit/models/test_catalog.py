"""The catalog holds what a node needs to serve a model, and nothing that nobody vouches for."""

import hashlib
import importlib.resources
import re

import pytest

from hansa.core.errors import NotFound
from hansa.models.catalog import DEFAULT_MODEL, Card, card_of, catalog
from hansa.models.gpus import parse_gpus
from hansa.models.plan import plan
from hansa.models.weights import Adapted, Hosted, Hub, Wheel

CARDS = list(catalog().values())

FOUNDERS = {
    "mistral-large-2": ("dense", 123, 123, 84.0, 82.1, 2.50),
    "mixtral-8x22b": ("moe", 141, 39, 81.2, 78.5, 1.80),
    "grok-1": ("moe", 314, 86, 73.0, 63.2, 4.00),
    "gpt-4o": ("proprietary", 0, 0, 88.7, 90.2, 5.00),
    "claude-3.5-sonnet": ("proprietary", 0, 0, 88.3, 92.0, 3.00),
}
"""Kind, billions of parameters and of active ones, MMLU, HumanEval, dollars per 1M tokens."""


def with_architecture() -> list[Card]:
    return [each for each in CARDS if each.architecture]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_card_can_be_served(card: Card):
    assert catalog()[card.id] is card
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]", card.id), "a name of the protocol"
    assert card.profile.context_tokens >= 1024
    assert 1 <= card.profile.chars_per_token <= 8
    assert card.profile.stop or isinstance(card.weights, Hosted)
    assert card.recipe.max_model_len <= card.profile.context_tokens
    assert card.licence_note or not card.licence.startswith("LicenseRef-"), "what it forbids"


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_weights_come_from_one_place_and_say_what_is_not_known(card: Card):
    weights = card.weights
    if isinstance(weights, Wheel):
        assert len(bytes.fromhex(weights.sha256)) == 32
        assert weights.bytes > 0
    elif isinstance(weights, Adapted):
        assert isinstance(card_of(weights.base).weights, Wheel)
        shipped = importlib.resources.files("hansa.models") / "adapters" / weights.adapter
        assert hashlib.sha256(shipped.read_bytes()).hexdigest() == weights.adapter_sha256
        assert len(bytes.fromhex(weights.sha256)) == 32
    elif isinstance(weights, Hub):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", weights.repository)
        assert re.fullmatch(r"main|[0-9a-f]{40}", weights.revision)
        assert bool(weights.files) != bool(weights.include)
        digests = [each.sha256 for each in weights.files if each.sha256]
        assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in digests)
        assert bool(digests) == bool(weights.digest_source), "a digest has its source"
    else:
        assert (weights.sha256, weights.bytes) == ("", 0)
        assert (card.recipe.engine, card.architecture) == ("hosted", None)
        assert card.recipe.provider
        assert card.recipe.remote_name


@pytest.mark.parametrize("card", with_architecture(), ids=lambda card: card.id)
def test_the_shape_adds_up_to_the_parameters(card: Card):
    assert card.architecture
    assert card.architecture.parameters == pytest.approx(card.parameters, rel=0.006)
    assert card.architecture.active_parameters == pytest.approx(card.active, rel=0.03)
    assert (card.architecture.kind == "moe") == (card.architecture.experts > 1)


@pytest.mark.parametrize("model", FOUNDERS)
def test_the_figures_a_league_argues_about(model: str):
    kind, billions, active, mmlu, human_eval, usd = FOUNDERS[model]
    card = card_of(model)
    assert (card.kind, round(card.parameters / 1e9), round(card.active / 1e9)) == (
        kind,
        billions,
        active,
    )
    assert {each.benchmark: (each.percent, each.status) for each in card.scores} == {
        "MMLU": (mmlu, "claimed"),
        "HumanEval": (human_eval, "claimed"),
    }
    assert card.price
    assert card.price.input_nanousd_per_mtok == round(usd * 100) * 10_000_000
    assert card.price.output_nanousd_per_mtok == card.price.input_nanousd_per_mtok


def test_only_what_hansa_measured_is_called_measured():
    measured = {card.id for card in CARDS for each in card.scores if each.status == "measured"}
    assert measured == {DEFAULT_MODEL, "smollm2-135m-instruct"}
    assert all(each.source for card in CARDS for each in card.scores)


@pytest.mark.parametrize(
    "card", [each for each in CARDS if each.recipe.gpu], ids=lambda card: card.id
)
def test_a_recipe_is_what_the_plan_works_out(card: Card):
    best = plan(card, parse_gpus(card.recipe.gpu)).best
    assert best.fits
    assert best.context_tokens == (card.recipe.max_model_len or card.profile.context_tokens)
    assert (best.tensor_parallel, best.precision) == (
        card.recipe.tensor_parallel,
        card.recipe.precision,
    )


def test_models_a_laptop_carries_fill_in_the_middle():
    coders = [each for each in CARDS if isinstance(each.weights, Hub) and each.weights.files]
    assert len(coders) >= 6
    for card in coders:
        assert card.profile.fim, card.id
        assert card.parameters < 8e9
        sentinels = (card.profile.fim.prefix, card.profile.fim.suffix, card.profile.fim.middle)
        assert len(set(sentinels)) == 3


def test_the_default_is_in_the_catalog():
    assert card_of(DEFAULT_MODEL).licence == "Apache-2.0"


def test_an_unknown_model_is_named_with_what_there_is():
    with pytest.raises(NotFound, match="'gpt'") as caught:
        card_of("gpt")
    assert DEFAULT_MODEL in caught.value.hint
