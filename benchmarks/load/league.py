"""A league of one whose node stands in front of the benchmark's upstream."""

import json
from collections.abc import Mapping
from pathlib import Path

from hansa.core.clock import SystemClock
from hansa.core.signing import SigningKey
from hansa.league.chain import single_member, write_file
from hansa.league.charter import CharterFile
from hansa.wire.protocol import Member, ModelTerms, Shares
from load.features import MEMORY, Feature
from load.upstream import DRIP_MODEL

MEMBER = "home"
MODELS = {"instant": "instant", "drip": DRIP_MODEL}
"""Our name of a model to the upstream's."""

TIER = "team"
LIMITS: Mapping[str, object] = {
    "requests_per_minute": 10_000_000,
    "tokens_per_minute": 1_000_000_000,
    "monthly_spend_usd": 1_000_000,
}
"""Of the key that asks: all are checked, none is reached."""

SLOTS = 1024
"""Room for the soak's streams."""


def write_node(folder: Path, port: int, upstream: str, feature: Feature) -> Path:
    """Write keys, charter and settings under `folder`; the path of hansa.toml."""
    root, node = SigningKey.generate(), SigningKey.generate()
    node.save(folder / "node.key")
    member = Member(
        id=MEMBER,
        name="Benchmark",
        jurisdiction="eu",
        url=f"http://127.0.0.1:{port}",
        root_key=root.public,
        node_keys=(node.public,),
    )
    terms = tuple(_terms(model) for model in MODELS)
    envelope = single_member(member, terms, root, SystemClock().now_ms())
    write_file(folder / "charter.json", CharterFile((envelope,)))
    config = folder / "hansa.toml"
    state = MEMORY / f"hansa-{port}" if feature.in_memory else folder / "state"
    node_keys = {
        "member": MEMBER,
        "charter": "charter.json",
        "key_file": "node.key",
        "state_dir": str(state),
        "log_level": "warning",
    }
    tier = {**LIMITS, **feature.tier}
    lines = [*_toml(node_keys), "[listen]", f"port = {port}", f"[tier.{TIER}]", *_toml(tier)]
    if feature.traced:
        lines += ["[observe]", *_toml({"otlp_endpoint": upstream.removesuffix("/v1")})]
    for model, upstream_model in MODELS.items():
        engine = {"engine": "openai", "url": upstream, "upstream_model": upstream_model}
        for number in range(feature.copies):
            keys = {"id": f"{model}-{number}", "model": model, **engine, "slots": SLOTS}
            keys = {**keys, **feature.replica}
            lines += ["[[replica]]", *_toml({k: v for k, v in keys.items() if v is not None})]
    config.write_text("\n".join(lines) + "\n")
    return config


def _toml(keys: Mapping[str, object]) -> list[str]:
    """Strings, numbers and truth values are written alike in TOML and in JSON."""
    return [f"{key} = {json.dumps(value)}" for key, value in keys.items()]


def _terms(model: str) -> ModelTerms:
    return ModelTerms(
        model=model,
        maker=MEMBER,
        licence="Apache-2.0",
        weights_sha256="",
        price_input_nanousd_per_mtok=100_000_000,
        price_output_nanousd_per_mtok=300_000_000,
        shares=Shares(maker=3000, compute=7000),
    )
