"""From a replica's settings to its engine, ready to be started."""

import importlib.util
from functools import partial
from typing import cast

from msgspec.structs import replace

from hansa.answer.fleet import LocalReplica
from hansa.context.templates import render
from hansa.core.errors import ConfigError
from hansa.core.files import user_state_dir
from hansa.core.settings import ReplicaSettings, Settings
from hansa.engines.anthropic import FEATURES as ANTHROPIC_FEATURES
from hansa.engines.anthropic import FIXED as ANTHROPIC_FIXED
from hansa.engines.anthropic import anthropic
from hansa.engines.base import Engine
from hansa.engines.bedrock import FEATURES as BEDROCK_FEATURES
from hansa.engines.bedrock import MORE as BEDROCK_MORE
from hansa.engines.bedrock import bedrock
from hansa.engines.compatible import Compatible, CompatibleConfig
from hansa.engines.kinds import COMPATIBLE
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.engines.mock import Mock
from hansa.engines.rewriting import Rewriting
from hansa.league.chain import Chain
from hansa.models.catalog import Card, card_of, catalog
from hansa.models.profile import Profile
from hansa.models.store import ModelStore
from hansa.wire.features import FEATURES, FILLS_IN, Feature

PLAIN = Profile(chat="chatml", stop=(), context_tokens=1 << 20, chars_per_token=3.0)
"""How a model without a card is prompted: its text as it is; chats go through its own engine."""


def make_replica(each: ReplicaSettings, settings: Settings, chain: Chain) -> LocalReplica:
    """Make one replica of this node; nothing has started.

    Raises:
        ConfigError, NotFound, IntegrityError: terms, weights, key or features do not fit.
    """
    member = chain.current.member(settings.member)
    assert member
    for model in (each.model, *(adapter.model for adapter in each.adapters)):
        if chain.current.terms(model) is None:
            raise ConfigError(
                f"replica {each.id!r} serves the model {model!r}, which the charter has no "
                "terms for",
                hint="its maker offers it with `hansa league offer`",
            )
    context_tokens = each.context_tokens
    if each.engine == "mock":
        engine: Engine = Mock()
    elif each.engine == "llamacpp":
        engine = _llamacpp(each, settings, chain)
        context_tokens = min(context_tokens, card_of(each.model).profile.context_tokens)
    elif each.engine == "anthropic":
        engine = _anthropic(each)
    elif each.engine == "bedrock":
        engine = _bedrock(each)
    else:
        engine = _elsewhere(each)
    return LocalReplica(
        id=each.id,
        model=each.model,
        region=each.region or member.jurisdiction,
        slots=each.slots,
        queue=each.queue,
        context_tokens=context_tokens,
        engine=engine,
        adapters=tuple(adapter.model for adapter in each.adapters),
    )


def _llamacpp(each: ReplicaSettings, settings: Settings, chain: Chain) -> Rewriting:
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            f"replica {each.id!r} needs the embedded engine, which is not installed",
            hint="install hansa[embedded]",
        )
    card, terms = card_of(each.model), chain.current.terms(each.model)
    weights_sha256 = terms.weights_sha256 if terms else ""
    if weights_sha256 and weights_sha256 != card.weights.sha256:
        raise ConfigError(
            f"the charter names other weights for {each.model} than the catalog of this version",
            hint="bring Hansa to the version the league uses",
        )
    path = ModelStore(settings.model_dir or user_state_dir()).require(card)
    context_tokens = min(each.context_tokens, card.profile.context_tokens)
    make = partial(
        LlamaCpp,
        render=partial(render, profile=card.profile),
        stop=card.profile.stop,
        log_path=settings.state_dir / "logs" / f"engine-{each.id}.log",
        fills_in=card.profile.fim is not None,
        render_plain=partial(render, profile=replace(card.profile, fim=None)),
    )
    config = LlamaCppConfig(str(path), each.threads, each.slots, context_tokens)
    rewriter = replace(config, slots=1, speculates=True)
    return Rewriting(make(config, name=each.id), make(rewriter, name=f"{each.id} rewriting"))


def _anthropic(each: ReplicaSettings) -> Engine:
    return anthropic(
        name=each.id,
        url=each.url,
        model=each.upstream_model or each.model,
        api_key=_secret(each),
        features=_features_among(
            each, ANTHROPIC_FIXED if each.fixed_sampling else ANTHROPIC_FEATURES
        ),
        fixed_sampling=each.fixed_sampling,
    )


def _bedrock(each: ReplicaSettings) -> Engine:
    return bedrock(
        name=each.id,
        url=each.url,
        model=each.upstream_model or each.model,
        secret=_key_file(each),
        features=_features_among(each, BEDROCK_FEATURES, BEDROCK_MORE),
        fixed_sampling=each.fixed_sampling,
    )


def _elsewhere(each: ReplicaSettings) -> Engine:
    quirks = COMPATIBLE[each.engine]
    card = _card(each)
    profile = card.profile if card else PLAIN
    features = _features(each, quirks.features)
    if not each.features and profile.fim is not None and "complete" in features:
        features |= FILLS_IN
    config = CompatibleConfig(
        name=each.id,
        url=each.url,
        model=each.model,
        upstream_model=each.upstream_model or each.model,
        api_key=_secret(each),
        adapters={adapter.model: adapter.path for adapter in each.adapters},
    )
    return Compatible(
        config,
        quirks,
        features=features,
        render=partial(render, profile=profile),
        stop=profile.stop,
    )


def _card(each: ReplicaSettings) -> Card | None:
    return card_of(each.card) if each.card else catalog().get(each.model)


def _features(each: ReplicaSettings, usual: frozenset[Feature]) -> frozenset[Feature]:
    strange = set(each.features) - set(FEATURES)
    if strange:
        raise ConfigError(
            f"replica {each.id!r} has the feature {min(strange)!r}, which there is not",
            hint=f"features: {', '.join(FEATURES)}",
        )
    return frozenset(cast("tuple[Feature, ...]", each.features)) or usual


def _features_among(
    each: ReplicaSettings, usual: frozenset[Feature], more: frozenset[Feature] = frozenset()
) -> frozenset[Feature]:
    """The features of an API that has a field for `usual` and `more`, and for nothing else."""
    if each.adapters:
        raise ConfigError(f"replica {each.id!r}: an engine {each.engine!r} has no adapters")
    features = _features(each, usual)
    if strange := features - usual - more:
        raise ConfigError(
            f"replica {each.id!r} has the feature {min(strange)!r}, which {each.engine} has not",
            hint=f"it has: {', '.join(sorted(usual | more))}",
        )
    return features


def _secret(each: ReplicaSettings) -> str:
    secret = _key_file(each)
    if each.api_key_file is not None and not (secret and secret.isprintable()):
        raise ConfigError(f"{each.api_key_file} holds no key on one line")
    return secret


def _key_file(each: ReplicaSettings) -> str:
    if each.api_key_file is None:
        return ""
    try:
        return each.api_key_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the key of replica {each.id!r} from {each.api_key_file}: {_why(error)}",
            hint="write the engine's key into that file, on one line, or set another api_key_file",
        ) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return "it is not text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
