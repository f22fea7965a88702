"""The catalog holds what a node needs to serve a model."""

import pytest

from hansa.core.errors import NotFound
from hansa.models.catalog import DEFAULT_MODEL, card_of, catalog


def test_every_card_can_be_served():
    for name, card in catalog().items():
        assert name == card.id
        assert len(bytes.fromhex(card.weights.sha256)) == 32
        assert card.weights.bytes > 0
        assert card.profile.stop
        assert card.profile.context_tokens >= 1024
        assert 1 <= card.profile.chars_per_token <= 8


def test_the_default_is_in_the_catalog():
    assert card_of(DEFAULT_MODEL).licence == "Apache-2.0"


def test_an_unknown_model_is_named_with_what_there_is():
    with pytest.raises(NotFound, match="'gpt'") as caught:
        card_of("gpt")
    assert DEFAULT_MODEL in caught.value.hint
