"""hansa.toml: one file per node, read once, checked wholly.

Order: the file, then `HANSA_*` environment variables, then flags. Unknown keys are errors that
suggest the nearest right one; every error names file, key and line.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec

from hansa.core.errors import ConfigError
from hansa.core.ids import check_name
from hansa.core.money import parse_usd


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 8420
    drain_s: int = 30
    """How long answers under way may go on once the node is told to end."""
    notice_s: int = 0
    """How long it at least answers that it takes nothing new, before it closes its port."""


LogLevel = Literal["debug", "info", "warning", "error"]
EngineKind = Literal[
    "llamacpp",
    "llama-server",
    "vllm",
    "sglang",
    "trtllm",
    "ollama",
    "openai",
    "mistral",
    "xai",
    "anthropic",
    "bedrock",
    "mock",
]


class AdapterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    """The league's name of the adapted model; the charter has terms for it."""
    path: str
    """Where the engine finds the adapter, or its number or name at the engine."""


class ReplicaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    model: str
    engine: EngineKind = "llamacpp"
    region: str = ""
    """Where it processes prompts; empty: the member's jurisdiction."""
    threads: int = 2
    slots: int = 2
    """Requests it works on at once."""
    queue: int = 256
    """Requests that may wait for it; more are sent elsewhere, or refused."""
    context_tokens: int = 2048
    """Of each slot."""
    url: str = ""
    """Base address of an engine that runs elsewhere, as SDKs take it."""
    api_key_file: Path | None = None
    """Holds the key that the engine asks for, on one line."""
    upstream_model: str = ""
    """What the engine calls the model; empty: the same name."""
    card: str = ""
    """Catalog entry that says how the model is prompted; empty: that of `model`, if there is."""
    features: tuple[str, ...] = ()
    """What it can do; empty: what its kind of engine can."""
    adapters: tuple[AdapterSettings, ...] = ()
    fixed_sampling: bool = False
    """The model takes no temperature, top_p or top_k, as Claude Opus 4.7 and later."""


class TierSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one key of a tier may use; 0: no limit."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    """Of prompts and answers together."""
    monthly_spend_usd: int | str = 0
    """In a calendar month, UTC; parts of a dollar as text, like "12.50"."""


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that is written replaces all of its tier's limits."""

    free: TierSettings = TierSettings(600, 500_000)
    pro: TierSettings = TierSettings(3_000, 5_000_000)
    team: TierSettings = TierSettings()


class CanarySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate that answers a share of another model's requests until it does worse."""

    model: str
    """The live model."""
    candidate: str
    """The charter has terms for it that are no dearer."""
    share: float = 0.1
    """Of callers and sessions, 0 to 0.5."""
    requests: int = 200
    """Each of the two has to have answered so many before they are compared."""
    latency_ratio: float = 1.5
    """The candidate may take so many times as long, at the median and at p95."""
    acceptance_drop: float = 0.05
    """So much less of what it suggests may be accepted, as a share."""
    promotion: Path | None = None
    """The signed decision of `hansa promote`, which has to be for this candidate."""


class Observe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    otlp_endpoint: str = ""
    """Base address of an OTLP/HTTP collector; empty: no traces."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    member: str
    """Which member of the charter this node is."""
    charter: Path
    key_file: Path
    """The node's signing key; a secret stays in a file of its own."""
    state_dir: Path
    """Ledger, API keys and logs of this node."""
    model_dir: Path | None = None
    """Folder that holds `models/`; None: the user's state folder, shared by all nodes."""
    listen: Listen = Listen()
    replica: tuple[ReplicaSettings, ...] = ()
    tier: Tiers = Tiers()
    canary: tuple[CanarySettings, ...] = ()
    observe: Observe = Observe()
    log_level: LogLevel = "info"


ENVIRONMENT = {
    "HANSA_LISTEN_HOST": ("listen", "host"),
    "HANSA_LISTEN_PORT": ("listen", "port"),
    "HANSA_KEY_FILE": ("key_file",),
    "HANSA_MODEL_DIR": ("model_dir",),
    "HANSA_LOG_LEVEL": ("log_level",),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("observe", "otlp_endpoint"),
}
"""Environment variable to the key it replaces."""

_ELSEWHERE = frozenset(get_args(EngineKind)) - {"llamacpp", "mock"}
"""Engines that are asked at an address."""

LIMIT_MAX = 1_000_000_000
"""Of requests or tokens a minute."""

_HTTP = re.compile(r"https?://[^/\s]")

_PATHS = ("charter", "key_file", "state_dir", "model_dir")


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read a node's settings; relative paths are relative to the file.

    Raises:
        ConfigError: no such file, not TOML, an unknown key, a wrong type or an impossible value.
    """
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    source = _Source(path, text, _overlay(raw, os.environ if environ is None else environ))
    for key in _PATHS:
        if isinstance(raw.get(key), str):
            raw[key] = str(source.absolute(key, raw[key]))
    _resolve_files(raw, source)
    try:
        settings = msgspec.convert(raw, Settings, strict=True, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise _explained(source, str(error)) from error
    _check(settings, source)
    return settings


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the settings came from, so that an error can name it.

    A `place` is msgspec's path to a key, such as `replica[1].slots`.
    """

    path: Path
    text: str
    variables: dict[str, str]
    """Place to the environment variable that replaced it."""

    def error(self, place: str, message: str, hint: str = "") -> ConfigError:
        if variable := self.variables.get(place):
            return ConfigError(f"{variable}, read after {self.path}: {message}", hint=hint)
        line = _line_of(self.text, place)
        at = f"{self.path}, line {line}" if line else str(self.path)
        return ConfigError(f"{at}: {message}", hint=hint)

    def absolute(self, key: str, value: str) -> Path:
        if not value:
            raise self.error(key, f"{key} is empty", "name a file or folder")
        try:
            return self.path.parent.resolve() / Path(value).expanduser()
        except RuntimeError as error:
            raise self.error(key, f"{key} is {value!r}: {error}") from error


def _resolve_files(raw: dict[str, Any], source: "_Source") -> None:
    for name, key in (("replica", "api_key_file"), ("canary", "promotion")):
        tables: Any = raw.get(name)
        for n, each in enumerate(cast("list[Any]", tables) if isinstance(tables, list) else []):
            if not isinstance(each, dict):
                continue
            table = cast("dict[str, Any]", each)
            if isinstance(table.get(key), str):
                table[key] = str(source.absolute(f"{name}[{n}].{key}", table[key]))


def _path(kind: type, value: Any) -> Any:
    """The one type of ours that TOML does not know."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError("Expected `str`")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}",
            hint="name the node's configuration with --config",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start})") from error


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put the variables that are set into `raw`; returns the places they replaced."""
    replaced: dict[str, str] = {}
    for name, (*tables, key) in ENVIRONMENT.items():
        if name not in environ:
            continue
        table: Any = raw
        for each in tables:
            table = table.setdefault(each, {})
        if isinstance(table, dict):
            value = environ[name]
            table[key] = int(value) if key == "port" and value.isdecimal() else value
            replaced[".".join((*tables, key))] = name
    return replaced


def _check(settings: Settings, source: _Source) -> None:
    _check_name(settings.member, "member", "member", source)
    seen: set[str] = set()
    for n, replica in enumerate(settings.replica):
        place = f"replica[{n}]"
        _check_name(replica.id, "replica", f"{place}.id", source)
        if replica.id in seen:
            raise source.error(f"{place}.id", f"two replicas are named {replica.id!r}")
        seen.add(replica.id)
        for key, low, high in (
            ("threads", 1, 512),
            ("slots", 1, 65_536),
            ("queue", 0, 65_536),
            ("context_tokens", 256, 10_000_000),
        ):
            _check_bounds(getattr(replica, key), low, high, f"{place}.{key}", source)
        _check_engine(replica, place, source)
    _check_bounds(settings.listen.port, 0, 65535, "listen.port", source)
    _check_bounds(settings.listen.drain_s, 0, 3600, "listen.drain_s", source)
    _check_bounds(settings.listen.notice_s, 0, 3600, "listen.notice_s", source)
    if (collector := settings.observe.otlp_endpoint) and not _HTTP.match(collector):
        raise source.error(
            "observe.otlp_endpoint",
            f"{collector!r} is no HTTP address",
            "like http://127.0.0.1:4318; OTLP over gRPC is not spoken",
        )
    _check_canaries(settings.canary, source)
    for name in Tiers.__struct_fields__:
        _check_tier(getattr(settings.tier, name), f"tier.{name}", source)


def _check_canaries(canaries: tuple[CanarySettings, ...], source: _Source) -> None:
    seen: set[str] = set()
    for n, each in enumerate(canaries):
        place = f"canary[{n}]"
        for key, name in (("model", each.model), ("candidate", each.candidate)):
            _check_name(name, "model", f"{place}.{key}", source)
            if name in seen:
                raise source.error(f"{place}.{key}", f"{name} is in more than one trial")
            seen.add(name)
        for key, low, high in (
            ("share", 0, 0.5),
            ("requests", 20, 1_000),
            ("latency_ratio", 1, 100),
            ("acceptance_drop", 0, 1),
        ):
            _check_bounds(getattr(each, key), low, high, f"{place}.{key}", source)


def _check_tier(tier: TierSettings, place: str, source: _Source) -> None:
    _check_bounds(tier.requests_per_minute, 0, LIMIT_MAX, f"{place}.requests_per_minute", source)
    _check_bounds(tier.tokens_per_minute, 0, LIMIT_MAX, f"{place}.tokens_per_minute", source)
    try:
        parse_usd(str(tier.monthly_spend_usd))
    except ConfigError as error:
        raise source.error(f"{place}.monthly_spend_usd", error.message, error.hint) from error


def _check_engine(replica: ReplicaSettings, place: str, source: _Source) -> None:
    elsewhere = replica.engine in _ELSEWHERE
    if elsewhere and not replica.url and replica.engine != "bedrock":
        raise source.error(
            f"{place}.url",
            f"an engine {replica.engine!r} needs its address in `url`",
            'like url = "http://127.0.0.1:8000/v1"',
        )
    if not elsewhere and (replica.url or replica.adapters):
        raise source.error(
            f"{place}.url" if replica.url else f"{place}.adapters",
            f"an engine {replica.engine!r} has no url and no adapters",
            f"engines that have: {', '.join(sorted(_ELSEWHERE))}",
        )
    if replica.fixed_sampling and replica.engine not in ("anthropic", "bedrock"):
        raise source.error(
            f"{place}.fixed_sampling",
            f"an engine {replica.engine!r} has no fixed_sampling",
            "engines that have: anthropic, bedrock",
        )
    for each in replica.adapters:
        _check_name(each.model, "model", f"{place}.adapters", source)


def _check_name(value: str, what: str, place: str, source: _Source) -> None:
    try:
        check_name(value, what)
    except ConfigError as error:
        raise source.error(place, error.message, error.hint) from error


def _check_bounds(value: float, low: float, high: float, place: str, source: _Source) -> None:
    if not low <= value <= high:
        key = place.rpartition(".")[2]
        raise source.error(place, f"{key} is {value}; it must be from {low} to {high}")


def _explained(source: _Source, said: str) -> ConfigError:
    """msgspec's message, with the file, the line and the nearest right key."""
    found = re.search(r"at `\$\.?([^`]*)`", said)
    place = found.group(1) if found else ""
    unknown = re.search(r"unknown field `([^`]*)`", said)
    missing = re.search(r"missing required field `(\w+)`", said)
    if unknown:
        key = unknown.group(1)
        known = list(Tiers.__struct_fields__) if place == "tier" else _known_keys()
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return source.error(f"{place}.{key}".lstrip("."), f"unknown key {key!r}", hint)
    if missing:
        where = f" in {place}" if place else ""
        return source.error(place, f"the key {missing.group(1)!r} is missing{where}", "add it")
    what = said.split(" - at")[0]
    return source.error(place, f"wrong value for {place!r}: {what}", _choices(place))


def _choices(place: str) -> str:
    """What a key takes that takes only some words; empty for every other key."""
    choices = {"engine": EngineKind, "log_level": LogLevel}.get(place.rpartition(".")[2])
    return f"one of: {', '.join(get_args(choices))}" if choices else ""


_HEADER = re.compile(r"\s*\[+\s*[\"']?([\w.-]+)[\"']?\s*\]")
_PLACE = re.compile(r"(?:([\w.]+?)(?:\[(\d+)\])?\.)?([\w-]+)(?:\[(\d+)\])?")


def _line_of(text: str, place: str) -> int | None:
    """The line of the key at `place`, or else of the table that would hold it."""
    match = _PLACE.fullmatch(place)
    if not match:
        return None
    table, number, key, own_number = match.groups()
    wanted = int(number or own_number or 0)
    heads, inside, near = 0, not table, None
    assigned = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
    for n, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            if header.group(1) == place:
                return n
            named = header.group(1) == (table or key)
            if named and not table and heads == wanted:
                return n
            inside = named and heads == wanted
            near = n if inside else near
            heads += named
        elif inside and assigned.match(line):
            return n
        elif table and re.match(rf"\s*{re.escape(table)}\s*[=.]", line):
            near = near or n
    return near


def _known_keys() -> list[str]:
    return sorted(
        {
            *Settings.__struct_fields__,
            *Listen.__struct_fields__,
            *ReplicaSettings.__struct_fields__,
            *AdapterSettings.__struct_fields__,
            *TierSettings.__struct_fields__,
            *CanarySettings.__struct_fields__,
            *Observe.__struct_fields__,
        }
    )
