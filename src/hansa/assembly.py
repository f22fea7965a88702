"""The only module that knows every room: settings in, wired objects and an ASGI app out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hansa.accounts.administration import Administration, note_tiers
from hansa.accounts.audit import AuditLog, audit_path
from hansa.accounts.keys import KeyRing, keys_path
from hansa.accounts.limits import Limits
from hansa.accounts.tiers import limits_of
from hansa.answer.answer import Answering
from hansa.answer.closing import Closing
from hansa.answer.fleet import Fleet, PeerView
from hansa.answer.journal import Journal
from hansa.answer.peers import Peers
from hansa.answer.recent import Recent
from hansa.answer.rollbacks import Rollbacks
from hansa.answer.trials import Trials
from hansa.answer.view import view_node
from hansa.books import ledger_path, load_identity, other_members, peer_session
from hansa.console import pages
from hansa.core.clock import Clock, SystemClock
from hansa.core.errors import ConfigError
from hansa.core.settings import CanarySettings, Settings
from hansa.engines.peer import Peer, PeerClient
from hansa.gateway import (
    admin,
    anthropic,
    health,
    mistral,
    native,
    openai,
    peer,
    playground,
    responses,
)
from hansa.gateway.desk import Desk
from hansa.gateway.door import native_form
from hansa.gateway.idempotency import Replays
from hansa.gateway.quota import Quota
from hansa.gateway.router import Router
from hansa.gateway.traced import Traced
from hansa.league.chain import Chain
from hansa.league.grants import GrantChecker
from hansa.ledger.store import Ledger
from hansa.observe.genai import Telemetry, open_telemetry
from hansa.observe.metrics import Metrics
from hansa.playground import Playground
from hansa.replicas import make_replica
from hansa.routing.canary import Rule
from hansa.wire.native import NodeView

_log = structlog.get_logger()

FORMS = {
    "/v1": openai.error_form,
    "/v1/messages": anthropic.error_form,
    "/v1/fim": mistral.error_form,
    "/hansa": native_form,
}
"""The dialect of what is said about a path or method that is not there."""


@dataclass(frozen=True, slots=True)
class Node:
    """A member's node, wired; `app` serves it."""

    settings: Settings
    app: ASGIApp
    fleet: Fleet
    answering: Answering
    peers: Peers
    ledger: Ledger
    http: aiohttp.ClientSession
    trials: Trials
    telemetry: Telemetry | None = None

    async def start(self) -> None:
        """Start engines and the conversation with peers; returns before the engines are ready."""
        for replica in self.fleet.local.values():
            await replica.engine.start()
        await self.peers.start()

    def drain(self) -> None:
        """Take nothing new and say so to whoever asks; what is under way goes on."""
        self.answering.gate.draining = self.fleet.draining = True

    async def close(self) -> None:
        """Stop in the order in which nothing is lost: requests, peers, engines, ledger."""
        await self.answering.end()
        await self.trials.close()
        await self.peers.close()
        for replica in self.fleet.local.values():
            await replica.engine.close()
        await self.http.close()
        self.ledger.close()
        if self.telemetry is not None:
            await asyncio.to_thread(self.telemetry.close)


async def build(
    settings: Settings, clock: Clock | None = None, drain: Callable[[], None] | None = None
) -> Node:
    """Wire a node; nothing has started yet. `drain` begins its orderly end.

    Raises:
        ConfigError, IntegrityError, NotFound: settings, charter, key or weights do not fit.
    """
    clock = clock or SystemClock()
    telemetry = open_telemetry(settings.observe.otlp_endpoint, settings.member)
    chain, key = load_identity(settings, clock)
    rules = trial_rules(settings, chain)
    local = {each.id: make_replica(each, settings, chain) for each in settings.replica}
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
    audit = AuditLog(audit_path(settings.state_dir), clock, _warn_of_audit)
    rollbacks = Rollbacks(settings.state_dir, clock, audit)
    trials = Trials(rules, rollbacks, clock, metrics)
    fleet.withheld = trials.withheld
    journal = Journal(recent, metrics, clock, telemetry, trials)
    answering = Answering(fleet=fleet, closing=closing, journal=journal, clock=clock, trials=trials)
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
        return view_node(fleet, recent, ledger, answering.gate, trials)

    desk = Desk(answering, keys, Quota(await load_limits(settings, ledger, clock), chain, clock))
    audit.mend()
    note_tiers(audit, limits_of(settings.tier))
    administration = Administration(keys, audit)
    replays = Replays(keys, clock)
    site = _site([*health.routes(view, metrics, answering.gate), *pages.routes(view, keys)])
    router = Router(
        [
            *replays.guard(openai.routes(desk, chain, fleet.offers), openai.error_form),
            *replays.guard(responses.routes(desk), openai.error_form),
            *replays.guard(mistral.routes(desk), mistral.error_form),
            *replays.guard(anthropic.routes(desk), anthropic.error_form),
            *native.routes(desk, answering, trials, view),
            *playground.routes(desk, Playground(desk, clock)),
            *admin.routes(keys, administration, ledger, clock, drain),
            *peer.routes(answering, peers, checker),
        ],
        # A proxy on this machine says who really asks; only the pages want to know.
        ProxyHeadersMiddleware(site, trusted_hosts=("127.0.0.1", "::1")),  # pyright: ignore[reportArgumentType]  uvicorn has ASGI types of its own
        FORMS,
    )
    app = router if telemetry is None else Traced(router)
    return Node(settings, app, fleet, answering, peers, ledger, http, trials, telemetry)


def _site(routes: list[BaseRoute]) -> Starlette:
    missing = health.no_such_endpoint
    return Starlette(routes=routes, exception_handlers={404: missing, 405: missing})


def _warn_of_audit(said: str) -> None:
    _log.error("audit_log_damaged", said=said, hint="run: hansa audit verify")


def trial_rules(settings: Settings, chain: Chain) -> list[Rule]:
    """The candidates on trial.

    Raises:
        ConfigError: the charter has no terms for one, or one that it is not promoted by name.
    """
    return [_trial_rule(each, chain) for each in settings.canary]


def _trial_rule(canary: CanarySettings, chain: Chain) -> Rule:
    for model in (canary.model, canary.candidate):
        if chain.current.terms(model) is None:
            raise ConfigError(f"the charter has no terms for {model}, which is in a [[canary]]")
    if canary.promotion:
        from hansa.training.promotion.decision import read_decision

        decision = read_decision(canary.promotion, chain)
        pair = (decision.candidate, decision.live)
        if decision.decision != "promoted" or pair != (canary.candidate, canary.model):
            raise ConfigError(
                f"{canary.promotion}: {decision.candidate} over {decision.live} was "
                f"{decision.decision}, so {canary.candidate} answers nobody for {canary.model}",
                hint="`hansa promote --verify` shows the decision",
            )
    return Rule(
        canary.model, canary.candidate, canary.share, canary.requests, canary.latency_ratio,
        canary.acceptance_drop,
    )  # fmt: skip


async def load_limits(settings: Settings, ledger: Ledger, clock: Clock) -> Limits:
    """The limits of a node that starts, with what its ledger says was spent this month."""
    limits = Limits(limits_of(settings.tier), clock)
    spent = await ledger.spent(limits.month)
    limits.load(limits.month, {each.account: each.amount_nanousd for each in spent})
    return limits
