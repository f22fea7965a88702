"""What has to be right before a node can serve, checked one thing after the other."""

import contextlib
import importlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hansa.core.clock import SystemClock
from hansa.core.errors import ConfigError, HansaError
from hansa.core.files import user_state_dir, write_atomic
from hansa.core.settings import Settings, load_settings
from hansa.core.signing import SigningKey
from hansa.league.chain import Chain
from hansa.models import speed
from hansa.models.catalog import DEFAULT_MODEL, card_of, catalog
from hansa.models.store import ModelStore
from hansa.replicas import make_replica

FREE_BYTES_MIN = 500 * 1024 * 1024
MEMORY_BYTES_MIN = 1024 * 1024 * 1024


class Finding(msgspec.Struct, frozen=True):
    check: str
    ok: bool
    said: str
    hint: str = ""


def examine(state_dir: Path, config: Path | None) -> list[Finding]:
    """Run every check; one that fails does not stop the others."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", _python),
        ("memory", _memory),
        ("engine", _engine),
        ("state", lambda: _state(state_dir)),
        ("disk", lambda: _disk(state_dir)),
        ("weights", lambda: _weights(state_dir)),
        ("completions", _completions),
    ]
    findings = [_run(name, check) for name, check in checks]
    return findings + list(_configuration(config)) if config else findings


def _configuration(config: Path) -> Iterator[Finding]:
    found = _run("config", lambda: f"{load_settings(config).member} in {config}")
    yield found
    if found.ok:
        settings = load_settings(config)
        charter = _run("charter", lambda: _charter(settings))
        yield charter
        yield _run("key", lambda: _key(settings))
        yield _run("port", lambda: _port(settings))
        models = _run("models", lambda: _models(settings))
        yield models
        if charter.ok and models.ok:
            yield _run("replicas", lambda: _replicas(settings))


def _run(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, said=check())
    except HansaError as error:
        return Finding(name, ok=False, said=error.message, hint=error.hint)
    except OSError as error:
        return Finding(name, ok=False, said=str(error))


def _python() -> str:
    return f"{sys.version.split()[0]} on {os.cpu_count()} processors"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "unknown"
    if total < MEMORY_BYTES_MIN:
        raise ConfigError(
            f"{_mib(total)} in all; the embedded model needs {_mib(MEMORY_BYTES_MIN)}"
        )
    return f"{_mib(total)} in all"


def _engine() -> str:
    try:
        engine = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise ConfigError(
            f"the embedded engine cannot be loaded: {error}", hint="install hansa[embedded]"
        ) from error
    return f"xllamacpp {engine.__version__}"


def _state(state_dir: Path) -> str:
    probe = state_dir / ".doctor"
    write_atomic(probe, b"ok\n")
    probe.unlink()
    return f"{state_dir} can be written"


def _disk(state_dir: Path) -> str:
    free = shutil.disk_usage(state_dir).free
    if free < FREE_BYTES_MIN:
        raise ConfigError(f"{_mib(free)} free at {state_dir}", hint=f"free {_mib(FREE_BYTES_MIN)}")
    return f"{_mib(free)} free at {state_dir}"


def _weights(state_dir: Path) -> str:
    return str(ModelStore(state_dir).require(card_of(DEFAULT_MODEL)))


def _completions() -> str:
    """Which models of the catalog this machine carries in time; an estimate, never a failure."""
    rate = speed.weights_per_second()
    found = speed.carried(catalog().values(), rate, _memory_free_bytes())
    in_time = [_milliseconds(each) for each in found if each.in_time]
    late = [_milliseconds(each) for each in found if each.fits_memory and not each.in_time]
    too_big = [f"{each.model} {_mib(each.memory_bytes)}" for each in found if not each.fits_memory]
    parts = [
        f"estimated from {rate / 1e9:.1f} GB of weights read a second (half of what it copies "
        f"now); {speed.COMPLETION_TOKENS} tokens on a warm prefix within {speed.BUDGET_MS} ms: "
        + (", ".join(in_time) or "none")
    ]
    if late:
        parts.append(f"slower: {', '.join(late)}")
    if too_big:
        parts.append(f"more than the free memory: {', '.join(too_big)}")
    return "; ".join(parts)


def _milliseconds(each: speed.Carried) -> str:
    return f"{each.model} {each.completion_ms:,.0f} ms"


def _memory_free_bytes() -> int:
    """What programs can still take; all there is where the system does not say."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(each for each in lines if each.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return sys.maxsize


def _charter(settings: Settings) -> str:
    chain = Chain.load(settings.charter)
    chain.require_current(SystemClock().now_ms())
    if chain.current.member(settings.member) is None:
        raise ConfigError(f"{settings.member!r} is no member of league {chain.current.league}")
    return f"league {chain.current.league}, epoch {chain.current.epoch}, signed and current"


def _key(settings: Settings) -> str:
    key = SigningKey.load(settings.key_file)
    if settings.key_file.stat().st_mode & 0o077:
        raise ConfigError(
            f"others can read {settings.key_file}", hint=f"chmod 600 {settings.key_file}"
        )
    member = Chain.load(settings.charter).current.member(settings.member)
    if member and key.public not in member.node_keys:
        raise ConfigError(f"the charter does not name the key in {settings.key_file}")
    return f"{key.keyid} in {settings.key_file}"


def _port(settings: Settings) -> str:
    host, port = settings.listen.host, settings.listen.port
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ConfigError(
            f"{host}:{port}: {error.strerror}",
            hint="a node is running there already, or set another [listen] port",
        ) from error
    return f"{host}:{port} is free"


def _models(settings: Settings) -> str:
    store = ModelStore(settings.model_dir or user_state_dir())
    needed = {each.model for each in settings.replica if each.engine == "llamacpp"}
    for model in sorted(needed):
        store.require(card_of(model))
    return f"weights of {', '.join(sorted(needed))} in {store.folder}" if needed else "none needed"


def _replicas(settings: Settings) -> str:
    """Makes each as a starting node does: its key's file, features and terms have to fit."""
    chain = Chain.load(settings.charter)
    for each in settings.replica:
        make_replica(each, settings, chain)
    return ", ".join(each.id for each in settings.replica) or "none; other members are asked"


def _mib(count: int) -> str:
    return f"{count // (1024 * 1024):,} MiB"
