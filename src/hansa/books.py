"""A member's identity and accounts, without the rooms that serve requests; opens quickly."""

import asyncio
import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hansa.core.clock import Clock, SystemClock
from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, HansaError, PeerError
from hansa.core.settings import Settings, load_settings
from hansa.core.signing import SigningKey
from hansa.league import hello
from hansa.league.chain import Chain
from hansa.ledger.reconcile import Export
from hansa.ledger.store import Ledger
from hansa.wire.protocol import Hello, Member

if TYPE_CHECKING:
    import aiohttp

    from hansa.engines.peer import PeerClient

PEER_CONNECTIONS_MAX = 256


@dataclass(frozen=True, slots=True)
class Books:
    """A member's accounts, to be read beside a running node."""

    member: str
    chain: Chain
    ledger: Ledger
    key: SigningKey


@contextlib.contextmanager
def open_books(config: Path) -> Generator[Books]:
    """The accounts of the node that `config` describes, read-only."""
    settings, clock = load_settings(config), SystemClock()
    chain = Chain.load(settings.charter)
    key = SigningKey.load(settings.key_file)
    ledger = Ledger.open(
        ledger_path(settings), member=settings.member, key=key, clock=clock, read_only=True
    )
    try:
        yield Books(settings.member, chain, ledger, key)
    finally:
        ledger.close()


def fetch_exports(config: Path) -> dict[str, Export | HansaError]:
    """What every other member's node says we have between us; a dead node's entry is its error."""
    with open_books(config) as books:
        known = {each.id: books.ledger.peer_head(each.id) for each in books.chain.current.members}
    sizes = {member: head.size if head else 0 for member, head in known.items()}
    return asyncio.run(_fetch_exports(load_settings(config), sizes))


def load_identity(settings: Settings, clock: Clock) -> tuple[Chain, SigningKey]:
    """The charter and our key, which has to be one the charter names for us."""
    chain = Chain.load(settings.charter)
    chain.require_current(clock.now_ms())
    member = chain.current.member(settings.member)
    if member is None:
        names = ", ".join(each.id for each in chain.current.members)
        raise ConfigError(
            f"{settings.member!r} is no member of league {chain.current.league}",
            hint=f"its members are: {names}",
        )
    key = SigningKey.load(settings.key_file)
    if key.public not in member.node_keys:
        raise ConfigError(
            f"the key in {settings.key_file} is none of {member.id}'s node keys in the charter",
            hint="use the key made by `hansa league init`, or have a new epoch name this one",
        )
    return chain, key


async def _fetch_exports(
    settings: Settings, sizes: dict[str, int]
) -> dict[str, Export | HansaError]:
    from hansa.engines.peer import PeerClient

    clock = SystemClock()
    chain, key = load_identity(settings, clock)
    found: dict[str, Export | HansaError] = {}
    async with peer_session() as http:
        for member in other_members(chain, settings):
            greeting = Hello(
                settings.member, member.id, chain.digest, clock.now_ms(), sha256_hex(b"")
            )
            client = PeerClient(member.id, member.url, http)
            try:
                found[member.id] = await _ask_export(
                    client, hello.say(key, greeting), sizes[member.id]
                )
            except HansaError as error:
                found[member.id] = error
    return found


def other_members(chain: Chain, settings: Settings) -> Iterator[Member]:
    return (each for each in chain.current.members if each.id != settings.member)


def ledger_path(settings: Settings) -> Path:
    return settings.state_dir / "ledger.db"


def peer_session() -> "aiohttp.ClientSession":
    """One pool of connections to all peers."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=PEER_CONNECTIONS_MAX, keepalive_timeout=30)
    return aiohttp.ClientSession(connector=connector, read_bufsize=1 << 18)


async def _ask_export(client: "PeerClient", header: str, since_size: int) -> Export:
    """The receipts a peer shares with us, and that its log only grew since `since_size`."""
    from hansa.engines.peer import EXPORT_TIMEOUT_S

    path = f"export?since_size={since_size}"
    reply = await client.get(path, header, timeout_s=EXPORT_TIMEOUT_S)
    try:
        return msgspec.json.decode(reply, type=Export)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PeerError(f"{client.member} sent no export: {error}") from error
