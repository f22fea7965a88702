"""What a node shows of itself: to the console, the command line and its health checks."""

import os

from hansa.answer.admit import Gate
from hansa.answer.fleet import Fleet
from hansa.answer.recent import Recent
from hansa.answer.trials import Trials
from hansa.engines.rewriting import Rewriting
from hansa.ledger.store import Ledger
from hansa.routing.candidates import Candidate
from hansa.wire.native import MemberView, NodeView, ReplicaView
from hansa.wire.protocol import Member


def view_node(fleet: Fleet, recent: Recent, ledger: Ledger, gate: Gate, trials: Trials) -> NodeView:
    """A snapshot; nothing in it says what anybody asked."""
    charter, head = fleet.chain.current, ledger.head()
    candidates = fleet.everything()
    return NodeView(
        member=fleet.member,
        league=charter.league,
        epoch=charter.epoch,
        charter=fleet.chain.digest,
        pid=os.getpid(),
        ready=not gate.draining and any(each.up for each in candidates),
        in_flight=gate.in_flight,
        members=tuple(_member(each, fleet) for each in charter.members),
        replicas=tuple(_replica(each, fleet) for each in candidates),
        recent=recent.entries(),
        receipts=head.size,
        log_root=head.root,
        canaries=trials.views(),
        draining=gate.draining,
    )


def _member(member: Member, fleet: Fleet) -> MemberView:
    peer = fleet.peers.get(member.id)
    problem = peer.problem if peer else ""
    return MemberView(member.id, member.name, member.jurisdiction, member.url, not problem, problem)


def _replica(candidate: Candidate, fleet: Fleet) -> ReplicaView:
    replica = candidate.replica
    engine = fleet.engine(candidate)
    return ReplicaView(
        replica=candidate.name,
        model=replica.model,
        region=replica.region,
        up=candidate.up,
        problem="" if candidate.up else candidate.down_reason,
        busy=replica.busy,
        slots=replica.slots,
        network_ms=candidate.network_ms,
        prompt_tokens_per_s=replica.prompt_tokens_per_s,
        decode_tokens_per_s=replica.decode_tokens_per_s,
        pid=engine.pid if isinstance(engine, Rewriting) else None,
    )
