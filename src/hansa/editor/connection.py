"""Where the node is and with which key it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from hansa.core.errors import ConfigError

URL_VARIABLE = "HANSA_NODE_URL"
KEY_VARIABLE = "HANSA_API_KEY"
CLIENT_FILE = "client.json"
"""Under the state directory; `hansa up` writes it, readable by its owner only."""

CLIENT_FILE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Connection:
    url: str
    """Base address of a node, without a trailing slash."""
    key: str = field(repr=False)


class _ClientFile(msgspec.Struct, frozen=True):
    url: str
    key: str


def find_connection(
    node: str | None, key_file: Path | None, environ: Mapping[str, str], state_dir: Path
) -> Connection:
    """Flags first, then the environment, then what `hansa up` left; url and key each for itself.

    The key of a node started here goes to no other address.

    Raises:
        ConfigError: nothing names a node or its key, or what does cannot be read.
    """
    url = node or environ.get(URL_VARIABLE)
    key = _read_key(key_file) if key_file else environ.get(KEY_VARIABLE)
    if url and key:
        return Connection(_check_url(url), _check_key(key))
    local = _read_client_file(state_dir / CLIENT_FILE)
    url = url or (local.url if local else None)
    if not url:
        raise ConfigError(
            "no node is known here",
            hint=f"start one with `hansa up`, name one with --node or {URL_VARIABLE}, or name the "
            "--state-dir of its `hansa up`",
        )
    url = _check_url(url)
    if not key and local and _check_url(local.url) == url:
        key = local.key
    if not key:
        raise ConfigError(
            f"no key is known for the node at {url}",
            hint=f"name one with --key-file or {KEY_VARIABLE}",
        )
    return Connection(url, _check_key(key))


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ConfigError(
            f"{url!r} is no node's address", hint="write it like http://127.0.0.1:8420"
        )
    return url.rstrip("/")


def _check_key(key: str) -> str:
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key or not key:
        raise ConfigError("the node's key holds characters no key has", hint="copy it once more")
    return key


def _read_key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(CLIENT_FILE_BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the key file {path}: {error}") from error


def _read_client_file(path: Path) -> _ClientFile | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(CLIENT_FILE_BYTES_MAX), type=_ClientFile)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(
            f"cannot read {path}: {error}", hint="`hansa up` writes it anew"
        ) from error
