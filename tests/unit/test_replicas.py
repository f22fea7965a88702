"""From a replica's settings to an engine at a provider."""

from pathlib import Path

import msgspec
import pytest

from hansa.core.errors import ConfigError, Unsupported
from hansa.core.settings import AdapterSettings, ReplicaSettings, Settings
from hansa.engines.anthropic import FEATURES as ANTHROPIC_FEATURES
from hansa.engines.bedrock import FEATURES as BEDROCK_FEATURES
from hansa.engines.hosted import Hosted
from hansa.league.chain import Chain
from hansa.models.catalog import DEFAULT_MODEL
from hansa.replicas import make_replica
from hansa.wire.requests import Message, Request, Sampling
from support.league import MemberSpec, make_league

ANTHROPIC = ReplicaSettings(
    "r1", DEFAULT_MODEL, "anthropic", url="https://api.example", upstream_model="claude"
)
BEDROCK = ReplicaSettings(
    "r1", DEFAULT_MODEL, "bedrock", upstream_model="arn:aws:bedrock:eu-west-3::foundation-model/m"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_league(tmp_path, (MemberSpec("acme"),), threshold=1)["acme"].settings()


@pytest.fixture
def chain(settings: Settings) -> Chain:
    return Chain.load(settings.charter)


def with_key(each: ReplicaSettings, folder: Path, secret: str = "a key\n") -> ReplicaSettings:
    path = folder / "provider.secret"
    path.write_text(secret)
    return msgspec.structs.replace(each, api_key_file=path)


def test_anthropic(settings: Settings, chain: Chain, tmp_path: Path) -> None:
    engine = make_replica(with_key(ANTHROPIC, tmp_path), settings, chain).engine
    assert isinstance(engine, Hosted)
    assert engine.features == ANTHROPIC_FEATURES


@pytest.mark.parametrize(
    "secret", ["key\n", '{\n  "access_key_id": "a",\n  "secret_access_key": "s"\n}\n']
)
def test_bedrock_with_a_key_or_credentials_over_lines(
    secret: str, settings: Settings, chain: Chain, tmp_path: Path
) -> None:
    engine = make_replica(with_key(BEDROCK, tmp_path, secret), settings, chain).engine
    assert isinstance(engine, Hosted)
    assert engine.features == BEDROCK_FEATURES


def test_features_that_are_named_replace_the_usual(
    settings: Settings, chain: Chain, tmp_path: Path
) -> None:
    each = msgspec.structs.replace(with_key(ANTHROPIC, tmp_path), features=("chat",))
    assert make_replica(each, settings, chain).engine.features == {"chat"}
    each = msgspec.structs.replace(with_key(BEDROCK, tmp_path, "k"), features=("chat", "prefill"))
    assert make_replica(each, settings, chain).engine.features == {"chat", "prefill"}


async def test_fixed_sampling_reaches_the_engines(
    settings: Settings, chain: Chain, tmp_path: Path
) -> None:
    request = Request("r", "chat", messages=(Message("user", "hi"),), sampling=Sampling(8, 0.5))
    for each in (ANTHROPIC, BEDROCK):
        fixed = msgspec.structs.replace(with_key(each, tmp_path, "k"), fixed_sampling=True)
        engine = make_replica(fixed, settings, chain).engine
        assert engine.features == {"chat", "tools"}
        with pytest.raises(Unsupported, match="temperature"):
            await anext(engine.stream(request))


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (msgspec.structs.replace(ANTHROPIC, features=("chat", "seed")), "'seed', which anthropic"),
        (msgspec.structs.replace(BEDROCK, features=("chat", "top_k")), "'top_k', which bedrock"),
        (msgspec.structs.replace(BEDROCK, features=("sing",)), "'sing', which there is not"),
    ],
)
def test_a_feature_the_api_has_no_field_for(
    each: ReplicaSettings, said: str, settings: Settings, chain: Chain, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_replica(with_key(each, tmp_path, "k"), settings, chain)


def test_a_provider_has_no_adapters(settings: Settings, chain: Chain, tmp_path: Path) -> None:
    adapters = (AdapterSettings(DEFAULT_MODEL, "x"),)
    each = msgspec.structs.replace(with_key(ANTHROPIC, tmp_path), adapters=adapters)
    with pytest.raises(ConfigError, match="no adapters"):
        make_replica(each, settings, chain)


def test_anthropics_key_is_one_line(settings: Settings, chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a key"):
        make_replica(ANTHROPIC, settings, chain)
    with pytest.raises(ConfigError, match="on one line"):
        make_replica(with_key(ANTHROPIC, tmp_path, "two\nlines"), settings, chain)
