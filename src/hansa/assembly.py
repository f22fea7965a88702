"""The only module that knows every room: settings in, wired objects and an ASGI app out."""

import importlib.util
from dataclasses import dataclass
from functools import partial

import aiohttp
from starlette.applications import Starlette

from hansa.accounts.keys import KeyRing, keys_path
from hansa.answer.answer import Answering
from hansa.answer.closing import Closing
from hansa.answer.fleet import Fleet, LocalReplica, PeerView
from hansa.answer.journal import Journal
from hansa.answer.peers import Peers
from hansa.answer.recent import Recent
from hansa.answer.view import view_node
from hansa.books import ledger_path, load_identity, other_members, peer_session
from hansa.console import pages
from hansa.context.templates import render
from hansa.core.clock import Clock, SystemClock
from hansa.core.errors import ConfigError
from hansa.core.files import user_state_dir
from hansa.core.settings import ReplicaSettings, Settings
from hansa.engines.base import Engine
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.engines.mock import Mock
from hansa.engines.peer import Peer, PeerClient
from hansa.gateway import health, mistral, native, openai, peer
from hansa.league.chain import Chain
from hansa.league.grants import GrantChecker
from hansa.ledger.store import Ledger
from hansa.models.catalog import card_of
from hansa.models.store import ModelStore
from hansa.observe.metrics import Metrics
from hansa.wire.native import NodeView


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
    chain, key = load_identity(settings, clock)
    local = {each.id: _replica(each, settings, chain) for each in settings.replica}
    ledger = Ledger.open(ledger_path(settings), member=settings.member, key=key, clock=clock)
    http = peer_session()
    metrics, recent = Metrics(), Recent()
    fleet = Fleet(settings.member, chain, clock)
    fleet.local.update(local)
    closing = Closing(settings.member, key, chain, ledger, clock)
    clients = {
        each.id: PeerClient(each.id, each.url, http) for each in other_members(chain, settings)
    }
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
    keys = KeyRing(keys_path(settings.state_dir), clock)
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
        ],
        exception_handlers={404: openai.no_such_endpoint, 405: openai.no_such_endpoint},
    )
    return Node(settings, app, fleet, answering, peers, ledger, http)


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
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            f"replica {each.id!r} needs the embedded engine, which is not installed",
            hint="install hansa[embedded]",
        )
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
