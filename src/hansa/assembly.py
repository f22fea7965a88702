"""The only module that knows every room: settings in, wired objects and an ASGI app out."""

import asyncio
import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from starlette.applications import Starlette

from hansa.accounts.keys import KeyRing
from hansa.answer.answer import Answering
from hansa.answer.closing import Closing
from hansa.answer.fleet import Fleet, LocalReplica, PeerView
from hansa.answer.journal import Journal
from hansa.answer.peers import Peers, ask_export
from hansa.answer.recent import Recent
from hansa.answer.view import view_node
from hansa.console import pages
from hansa.context.templates import render
from hansa.core.clock import Clock, SystemClock
from hansa.core.digests import sha256_hex
from hansa.core.errors import ConfigError, HansaError
from hansa.core.files import user_state_dir
from hansa.core.settings import ReplicaSettings, Settings, load_settings
from hansa.core.signing import SigningKey
from hansa.engines.base import Engine
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.engines.mock import Mock
from hansa.engines.peer import Peer, PeerClient
from hansa.gateway import health, mistral, native, openai, peer
from hansa.league import hello
from hansa.league.chain import Chain
from hansa.league.grants import GrantChecker
from hansa.ledger.reconcile import Export
from hansa.ledger.store import Ledger
from hansa.models.catalog import card_of
from hansa.models.store import ModelStore
from hansa.observe.metrics import Metrics
from hansa.wire.native import NodeView
from hansa.wire.protocol import Hello, Member

PEER_CONNECTIONS_MAX = 256


@dataclass(frozen=True, slots=True)
class Node:
    """A member's node, wired; `app` serves it."""

    settings: Settings
    app: Starlette
    fleet: Fleet
    answering: Answering
    peers: Peers
    ledger: Ledger
    http: aiohttp.ClientSession

    async def start(self) -> None:
        """Start engines and the conversation with peers; returns before the engines are ready."""
        for replica in self.fleet.local.values():
            await replica.engine.start()
        await self.peers.start()

    async def close(self) -> None:
        """Stop in the order in which nothing is lost: requests, peers, engines, ledger."""
        await self.answering.close()
        await self.peers.close()
        for replica in self.fleet.local.values():
            await replica.engine.close()
        await self.http.close()
        self.ledger.close()


async def build(settings: Settings, clock: Clock | None = None) -> Node:
    """Wire a node; nothing has started yet.

    Raises:
        ConfigError, IntegrityError, NotFound: settings, charter, key or weights do not fit.
    """
    clock = clock or SystemClock()
    chain, key = _identity(settings, clock)
    local = {each.id: _replica(each, settings, chain) for each in settings.replica}
    ledger = Ledger.open(_ledger_path(settings), member=settings.member, key=key, clock=clock)
    http = _session()
    metrics, recent = Metrics(), Recent()
    fleet = Fleet(settings.member, chain, clock)
    fleet.local.update(local)
    closing = Closing(settings.member, key, chain, ledger, clock)
    clients = {each.id: PeerClient(each.id, each.url, http) for each in _others(chain, settings)}
    for member, client in clients.items():
        fleet.peers[member] = PeerView(member, Peer(client, partial(closing.grant, member)))
    answering = Answering(
        fleet=fleet, closing=closing, journal=Journal(recent, metrics, clock), clock=clock
    )
    peers = Peers(
        key=key,
        chain=chain,
        ledger=ledger,
        fleet=fleet,
        clients=clients,
        metrics=metrics,
        clock=clock,
    )
    keys = KeyRing(keys_path(settings), clock)
    checker = GrantChecker(chain, settings.member, clock)

    def view() -> NodeView:
        return view_node(fleet, recent, ledger, answering.gate)

    app = Starlette(
        routes=[
            *openai.routes(answering, keys, chain),
            *mistral.routes(answering, keys, chain),
            *native.routes(answering, keys, view),
            *peer.routes(answering, peers, checker),
            *health.routes(view, metrics, answering.gate),
            *pages.routes(view, keys),
        ]
    )
    return Node(settings, app, fleet, answering, peers, ledger, http)


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
        _ledger_path(settings), member=settings.member, key=key, clock=clock, read_only=True
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


def keys_path(settings: Settings) -> Path:
    """Where a node keeps the digests of its API keys."""
    return settings.state_dir / "keys.json"


async def _fetch_exports(
    settings: Settings, sizes: dict[str, int]
) -> dict[str, Export | HansaError]:
    clock = SystemClock()
    chain, key = _identity(settings, clock)
    found: dict[str, Export | HansaError] = {}
    async with _session() as http:
        for member in _others(chain, settings):
            greeting = Hello(
                settings.member, member.id, chain.digest, clock.now_ms(), sha256_hex(b"")
            )
            client = PeerClient(member.id, member.url, http)
            try:
                found[member.id] = await ask_export(
                    client, hello.say(key, greeting), sizes[member.id]
                )
            except HansaError as error:
                found[member.id] = error
    return found


def _identity(settings: Settings, clock: Clock) -> tuple[Chain, SigningKey]:
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


def _replica(each: ReplicaSettings, settings: Settings, chain: Chain) -> LocalReplica:
    terms, member = chain.current.terms(each.model), chain.current.member(settings.member)
    assert member
    if terms is None:
        raise ConfigError(
            f"replica {each.id!r} serves the model {each.model!r}, which the charter has no "
            "terms for",
            hint="its maker offers it with `hansa league offer`",
        )
    if each.engine == "mock":
        engine: Engine = Mock()
        context_tokens = each.context_tokens
    else:
        engine = _llamacpp(each, settings, terms.weights_sha256)
        context_tokens = min(each.context_tokens, card_of(each.model).profile.context_tokens)
    region = each.region or member.jurisdiction
    return LocalReplica(each.id, each.model, region, each.slots, context_tokens, engine)


def _llamacpp(each: ReplicaSettings, settings: Settings, weights_sha256: str) -> LlamaCpp:
    card = card_of(each.model)
    if weights_sha256 and weights_sha256 != card.weights.sha256:
        raise ConfigError(
            f"the charter names other weights for {each.model} than the catalog of this version",
            hint="bring Hansa to the version the league uses",
        )
    path = ModelStore(settings.model_dir or user_state_dir()).require(card)
    context_tokens = min(each.context_tokens, card.profile.context_tokens)
    return LlamaCpp(
        LlamaCppConfig(str(path), each.threads, each.slots, context_tokens),
        render=partial(render, profile=card.profile),
        stop=card.profile.stop,
        name=each.id,
        log_path=settings.state_dir / "logs" / f"engine-{each.id}.log",
    )


def _others(chain: Chain, settings: Settings) -> Iterator[Member]:
    return (each for each in chain.current.members if each.id != settings.member)


def _ledger_path(settings: Settings) -> Path:
    return settings.state_dir / "ledger.db"


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=PEER_CONNECTIONS_MAX, keepalive_timeout=30)
    return aiohttp.ClientSession(connector=connector, read_bufsize=1 << 18)
