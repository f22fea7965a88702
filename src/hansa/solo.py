"""A node of one's own: a league of one member, so that one code path serves one or many."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from hansa.accounts.administration import command_line, open_administration
from hansa.core.clock import SystemClock
from hansa.core.files import exclusive_lock, write_atomic
from hansa.core.settings import Settings, load_settings
from hansa.core.signing import SigningKey
from hansa.editor.connection import CLIENT_FILE
from hansa.league.chain import single_member, write_file
from hansa.league.charter import CharterFile
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.wire.protocol import Member, ModelTerms, Shares

MEMBER = "home"
UNKNOWN_REGION = "zz"
"""ISO 3166 leaves it to users. Residency rules refuse it until the user says where this is."""

_CONFIG = """\
# Written by `hansa up`; yours to change. docs/configuration.md describes every key.
member = "home"
charter = "charter.json"
key_file = "node.key"
state_dir = "state"

[listen]
port = 8420

[[replica]]
id = "embedded"
model = "{model}"
threads = {threads}
slots = 2
context_tokens = 2048
"""


@dataclass(frozen=True, slots=True)
class Solo:
    config: Path
    settings: Settings


def prepare(state_dir: Path, threads: int) -> Solo:
    """Make a league of one under `state_dir` unless it is there; safe when two start at once."""
    folder = state_dir / "solo"
    config = folder / "hansa.toml"
    with exclusive_lock(folder / ".lock"):
        if not config.exists():
            _found(folder, threads)
    return Solo(config, load_settings(config))


def introduce(settings: Settings, url: str, state_dir: Path) -> None:
    """Leave address and key where this user's editor and commands find them."""
    client = state_dir / CLIENT_FILE
    administration = open_administration(settings.state_dir)
    name, actor = "this-machine", command_line()
    for key in administration.ring.all_keys():
        if key.name == name:
            administration.revoke_key(actor, key.id)
    _, secret = administration.create_key(actor, name, "team")
    write_atomic(client, msgspec.json.encode({"url": url, "key": secret}), mode=0o600)


def _found(folder: Path, threads: int) -> None:
    """Write keys, charter and, last, the configuration that says all is there."""
    for leftover in ("root.key", "node.key", "charter.json"):
        (folder / leftover).unlink(missing_ok=True)
    root, node = SigningKey.generate(), SigningKey.generate()
    root.save(folder / "root.key")
    node.save(folder / "node.key")
    card = card_of(DEFAULT_MODEL)
    member = Member(
        id=MEMBER,
        name="This machine",
        jurisdiction=UNKNOWN_REGION,
        url="http://127.0.0.1:8420",
        root_key=root.public,
        node_keys=(node.public,),
    )
    terms = ModelTerms(
        model=card.id,
        maker=MEMBER,
        licence=card.licence,
        weights_sha256=card.weights.sha256,
        price_input_nanousd_per_mtok=0,
        price_output_nanousd_per_mtok=0,
        shares=Shares(maker=0, compute=10_000),
    )
    envelope = single_member(member, (terms,), root, SystemClock().now_ms())
    write_file(folder / "charter.json", CharterFile((envelope,)))
    text = _CONFIG.format(model=card.id, threads=threads)
    write_atomic(folder / "hansa.toml", text.encode())
