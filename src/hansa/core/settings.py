"""hansa.toml: one file per node, read once, checked wholly.

Order: the file, then `HANSA_*` environment variables, then flags. Unknown keys are errors that
suggest the nearest right one; every error names file, key and line.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from hansa.core.errors import ConfigError
from hansa.core.ids import check_name


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 8420


class ReplicaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    model: str
    engine: Literal["llamacpp", "mock"] = "llamacpp"
    region: str = ""
    """Where it processes prompts; empty: the member's jurisdiction."""
    threads: int = 2
    slots: int = 2
    """Requests it works on at once."""
    context_tokens: int = 2048
    """Of each slot."""


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
    log_level: Literal["debug", "info", "warning", "error"] = "info"


ENVIRONMENT = {
    "HANSA_LISTEN_HOST": ("listen", "host"),
    "HANSA_LISTEN_PORT": ("listen", "port"),
    "HANSA_KEY_FILE": ("key_file",),
    "HANSA_MODEL_DIR": ("model_dir",),
    "HANSA_LOG_LEVEL": ("log_level",),
}
"""Environment variable to the key it replaces."""

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
    _overlay(raw, os.environ if environ is None else environ)
    for key in _PATHS:
        if isinstance(raw.get(key), str):
            raw[key] = str(path.parent.resolve() / Path(raw[key]).expanduser())
    try:
        settings = msgspec.convert(raw, Settings, strict=True, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise _explained(path, text, str(error)) from error
    _check(settings, path, text)
    return settings


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


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, (*tables, key) in ENVIRONMENT.items():
        if name not in environ:
            continue
        table = raw
        for each in tables:
            table = table.setdefault(each, {})
        value = environ[name]
        table[key] = int(value) if key == "port" and value.isdecimal() else value


def _check(settings: Settings, path: Path, text: str) -> None:
    check_name(settings.member, "member")
    seen: set[str] = set()
    for replica in settings.replica:
        check_name(replica.id, "replica")
        if replica.id in seen:
            raise _error(path, text, "id", f"two replicas are named {replica.id!r}")
        seen.add(replica.id)
        for key, low, high in (
            ("threads", 1, 512),
            ("slots", 1, 64),
            ("context_tokens", 256, 1 << 20),
        ):
            _bounded(getattr(replica, key), low, high, key, path, text)
    _bounded(settings.listen.port, 0, 65535, "port", path, text)


def _bounded(value: int, low: int, high: int, key: str, path: Path, text: str) -> None:
    if not low <= value <= high:
        raise _error(path, text, key, f"{key} is {value}; it must be from {low} to {high}")


def _explained(path: Path, text: str, said: str) -> ConfigError:
    """msgspec's message, with the file, the line and the nearest right key."""
    unknown = re.search(r"unknown field `(\w+)`", said)
    missing = re.search(r"missing required field `(\w+)`", said)
    if unknown:
        key = unknown.group(1)
        near = difflib.get_close_matches(key, _known_keys(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(_known_keys())}"
        return _error(path, text, key, f"unknown key {key!r}", hint)
    if missing:
        return ConfigError(f"{path}: the key {missing.group(1)!r} is missing", hint="add it")
    place = re.search(r"at `\$\.?([^`]*)`", said)
    where = re.sub(r"\[\.\.\.\]", "", place.group(1)) if place else ""
    what = said.split(" - at")[0]
    return _error(path, text, where.rpartition(".")[2], f"wrong value for {where!r}: {what}")


def _error(path: Path, text: str, key: str, message: str, hint: str = "") -> ConfigError:
    line = _line_of(text, key)
    at = f"{path}, line {line}" if line else str(path)
    return ConfigError(f"{at}: {message}", hint=hint)


def _line_of(text: str, key: str) -> int | None:
    pattern = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*(?:=|\.|\])")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if key and pattern.match(line)), None)


def _known_keys() -> list[str]:
    return sorted(
        {
            *Settings.__struct_fields__,
            *Listen.__struct_fields__,
            *ReplicaSettings.__struct_fields__,
        }
    )
