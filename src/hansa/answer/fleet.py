"""Every replica this node can reach, its own and its peers', as routing wants to see them."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hansa.answer.breaker import Breaker
from hansa.answer.pace import Pace
from hansa.core.clock import Clock
from hansa.core.errors import HansaError, PeerUnavailable
from hansa.engines.base import Engine
from hansa.league.chain import Chain
from hansa.routing.affinity import PrefixMemory
from hansa.routing.candidates import Candidate
from hansa.wire.features import Feature
from hansa.wire.protocol import ModelTerms, NodeStatus, ReplicaStatus
from hansa.wire.requests import ANY_MODEL, Request, Task, Usage

RATE_WEIGHT = 0.2
"""Weight of the newest measurement in a replica's rates."""

RATE_SAMPLE_TOKENS_MIN = 8
STATUS_STALE_S = 5.0
"""A peer that has not answered for this long counts as down."""


@dataclass(slots=True)
class LocalReplica:
    """One of this node's own replicas. Rates start at what a small model does on two cores."""

    id: str
    model: str
    region: str
    slots: int
    context_tokens: int
    engine: Engine
    queue: int = 256
    """Requests that may wait beside those it works on."""
    adapters: tuple[str, ...] = ()
    """Models it serves besides `model`, as adapters on it."""
    busy: int = 0
    prompt_tokens_per_s: float = 400.0
    decode_tokens_per_s: float = 100.0
    breaker: Breaker = field(default_factory=Breaker)

    def down_reason(self, now_s: float) -> str:
        """Why it takes no request now; empty if it does."""
        state = self.engine.state()
        if state != "ready":
            problem = self.engine.problem()
            return f"its engine is {state}: {problem}" if problem else f"its engine is {state}"
        if not self.breaker.allows(now_s):
            left_s = self.breaker.open_until_s - now_s
            return (
                f"it failed {self.breaker.failures} times in a row; tried again in {left_s:.1f} s"
            )
        if self.busy >= self.slots + self.queue:
            return f"{self.queue} requests wait for it already"
        return ""

    def status(self) -> ReplicaStatus:
        return ReplicaStatus(
            id=self.id,
            model=self.model,
            region=self.region,
            ready=self.engine.state() == "ready",
            slots=self.slots,
            busy=self.busy,
            prompt_tokens_per_s=round(self.prompt_tokens_per_s, 1),
            decode_tokens_per_s=round(self.decode_tokens_per_s, 1),
            context_tokens=self.context_tokens,
            features=_ordered(self.engine.features),
            adapters=self.adapters,
        )

    def measured(self, usage: Usage, first_token_s: float, decode_s: float) -> None:
        """Take the speed of one answered request into the replica's rates."""
        fresh = usage.prompt_tokens - usage.cached_tokens
        if fresh >= RATE_SAMPLE_TOKENS_MIN and first_token_s > 0:
            self.prompt_tokens_per_s = _blend(self.prompt_tokens_per_s, fresh / first_token_s)
        later = usage.completion_tokens - 1
        if later >= RATE_SAMPLE_TOKENS_MIN and decode_s > 0:
            self.decode_tokens_per_s = _blend(self.decode_tokens_per_s, later / decode_s)


@dataclass(slots=True)
class PeerView:
    """What this node last heard of another member's node."""

    member: str
    engine: Engine
    status: NodeStatus | None = None
    heard_s: float = 0.0
    network_ms: float = 0.0
    problem: str = "its status has not arrived yet"
    suspects: dict[str, str] = field(default_factory=dict[str, str])
    """Replicas that failed since its status, and how."""
    in_flight: dict[str, int] = field(default_factory=dict[str, int])
    """Our own requests at each of its replicas, newer than its status."""


class Fleet:
    """The live view. Only the event loop's thread touches it."""

    def __init__(self, member: str, chain: Chain, clock: Clock) -> None:
        self.member = member
        self.chain = chain
        self._clock = clock
        self._affinity = PrefixMemory()
        self._generated: dict[Task, float] = {}
        self._pace = Pace()
        self.withheld: frozenset[str] = frozenset()
        """Models on trial: nobody gets them who has not named them or been drawn."""
        self.draining = False
        """This node ends; its peers are told that its replicas take nothing more."""
        self.local: dict[str, LocalReplica] = {}
        self.peers: dict[str, PeerView] = {}

    def candidates(self, request: Request, *, local_only: bool = False) -> list[Candidate]:
        """Every replica that has the model, up or not; those without terms in the charter are not
        offered. If none has it: every replica, so that a refusal can say what there is."""
        if request.model == ANY_MODEL and self.withheld:
            found = self._found(request, ANY_MODEL, local_only)
            return [each for each in found if each.terms.model not in self.withheld]
        found = self._found(request, request.model, local_only)
        return found or self._found(request, ANY_MODEL, local_only)

    def everything(self) -> list[Candidate]:
        """All replicas, whatever they serve."""
        return self._found(_ANYTHING, ANY_MODEL, local_only=False)

    def _found(self, request: Request, model: str, local_only: bool) -> list[Candidate]:
        prompt = prompt_text(request)
        known = self._generated.get(request.task)
        expected = None if known is None else round(known)
        found = list(self._own(model, prompt, expected))
        if not local_only:
            found += self._of_peers(model, prompt, expected)
        return found

    def offers(self, model: str) -> list[ReplicaStatus]:
        """The replicas, here and at peers, that serve `model`; up or not."""
        found = (*self._own(model, "", None), *self._of_peers(model, "", None))
        return [each.replica for each in found]

    def engine(self, candidate: Candidate) -> Engine:
        if candidate.local:
            return self.local[candidate.replica.id].engine
        return self.peers[candidate.member.id].engine

    def begin(self, candidate: Candidate, request: Request) -> None:
        """Count a request that is about to be sent to `candidate`."""
        self._count(candidate, 1)
        self._affinity.remember(candidate.name, prompt_text(request))

    def end(self, candidate: Candidate) -> None:
        self._count(candidate, -1)

    def generated(self, task: Task, tokens: int) -> None:
        """Learn how much a task generates; predictions are made with it."""
        self._generated[task] = _blend(self._generated.get(task, tokens), tokens)

    def slow_s(self, candidate: Candidate) -> float | None:
        """After how long `candidate` is slower than it mostly is; None if that is not known."""
        return self._pace.slow_s(candidate.name)

    def began(self, candidate: Candidate, first_s: float) -> None:
        """`candidate` began to answer after `first_s` seconds."""
        self._pace.note(candidate.name, first_s)
        if candidate.local:
            self.local[candidate.replica.id].breaker.worked()

    def suspect(self, candidate: Candidate, error: HansaError) -> None:
        """An attempt failed: its replica, or its whole node, counts as down until the next
        status; what it had in its cache is forgotten."""
        self._affinity.forget(candidate.name)
        if candidate.local:
            breaker = self.local[candidate.replica.id].breaker
            breaker.failed(self._clock.monotonic_s(), error.retry_after_s)
            return
        view = self.peers[candidate.member.id]
        view.suspects[candidate.replica.id] = error.message
        if isinstance(error, PeerUnavailable):
            view.heard_s, view.problem = float("-inf"), error.message

    def heard(self, member: str, status: NodeStatus, round_trip_ms: float) -> None:
        """Take in a peer's status."""
        view = self.peers[member]
        known = view.network_ms or round_trip_ms
        view.network_ms = _blend(known, round_trip_ms)
        view.status, view.heard_s, view.problem = status, self._clock.monotonic_s(), ""
        view.suspects.clear()

    def lost(self, member: str, problem: str) -> None:
        self.peers[member].problem = problem

    def status(self) -> NodeStatus:
        """This node's answer to its peers."""
        replicas = tuple(replica.status() for replica in self.local.values())
        if self.draining:
            replicas = tuple(msgspec.structs.replace(each, ready=False) for each in replicas)
        return NodeStatus(self.member, self.chain.digest, self._clock.now_ms(), replicas)

    def _own(self, model: str, prompt: str, expected: int | None) -> Iterable[Candidate]:
        member = self.chain.current.member(self.member)
        assert member, "assembly checked that the charter names this member"
        now_s = self._clock.monotonic_s()
        for replica in self.local.values():
            offered = self._offered(model, replica)
            if not offered:
                continue
            status, reason = replica.status(), replica.down_reason(now_s)
            for terms in offered:
                yield Candidate(
                    member=member,
                    terms=terms,
                    replica=status,
                    local=True,
                    up=not reason,
                    down_reason=reason,
                    expected_tokens=expected,
                    warm_chars=self._affinity.warm_chars(f"{self.member}/{replica.id}", prompt),
                )

    def _of_peers(self, model: str, prompt: str, expected: int | None) -> Iterable[Candidate]:
        now_s = self._clock.monotonic_s()
        for view in self.peers.values():
            member = self.chain.current.member(view.member)
            if view.status is None or member is None:
                continue
            stale = now_s - view.heard_s > STATUS_STALE_S
            for replica in view.status.replicas:
                name = f"{view.member}/{replica.id}"
                for terms in self._offered(model, replica):
                    yield Candidate(
                        member=member,
                        terms=terms,
                        replica=_with_ours(replica, view.in_flight.get(replica.id, 0)),
                        local=False,
                        up=replica.ready and not stale and replica.id not in view.suspects,
                        down_reason=view.suspects.get(replica.id)
                        or view.problem
                        or "its engine is not ready",
                        network_ms=view.network_ms,
                        expected_tokens=expected,
                        warm_chars=self._affinity.warm_chars(name, prompt),
                    )

    def _offered(self, model: str, replica: ReplicaStatus | LocalReplica) -> list[ModelTerms]:
        """Of the models a replica serves those that are asked for and have terms in the charter."""
        terms = self.chain.current.terms
        served = (replica.model, *replica.adapters)
        wanted = served if model == ANY_MODEL else (model,) if model in served else ()
        return [found for each in wanted if (found := terms(each)) is not None]

    def _count(self, candidate: Candidate, change: int) -> None:
        replica = candidate.replica.id
        if candidate.local:
            self.local[replica].busy += change
            return
        ours = self.peers[candidate.member.id].in_flight
        ours[replica] = ours.get(replica, 0) + change
        if not ours[replica]:
            del ours[replica]


_ANYTHING = Request(id="view", task="complete", prefix=" ")


@functools.cache
def _ordered(features: frozenset[Feature]) -> tuple[Feature, ...]:
    return tuple(sorted(features))


def prompt_text(request: Request) -> str:
    """The text whose beginning an engine's cache is keyed by, near enough."""
    if request.messages:
        return "\n".join(message.content for message in request.messages)
    return "\n".join([*(snippet.text for snippet in request.snippets), request.prefix])


def _with_ours(replica: ReplicaStatus, ours: int) -> ReplicaStatus:
    """A status up to a second old, with at least our own requests counted."""
    if ours <= replica.busy:
        return replica
    return msgspec.structs.replace(replica, busy=ours)


def _blend(old: float, new: float) -> float:
    return old * (1 - RATE_WEIGHT) + new * RATE_WEIGHT
