"""The hard rules: which replicas may not serve a request, however fast and cheap they are."""

from collections.abc import Callable

import msgspec

from hansa.routing.candidates import Candidate
from hansa.routing.demand import Demand


class Refusal(msgspec.Struct, frozen=True):
    rule: str
    reason: str


def capability(demand: Demand, candidate: Candidate) -> str:
    able = candidate.replica.features
    missing = [each for each in demand.features if each not in able]
    if not missing:
        return ""
    return f"its engine cannot do {' or '.join(missing)} with {candidate.terms.model}"


def residency(demand: Demand, candidate: Candidate) -> str:
    wanted, region = demand.request.policy.residency, candidate.replica.region
    if not wanted or region in wanted:
        return ""
    return f"it runs in {region!r}, the prompt must stay in {' or '.join(wanted)}"


def licence(demand: Demand, candidate: Candidate) -> str:
    wanted = demand.request.policy.licences
    if not wanted or candidate.terms.licence in wanted:
        return ""
    return f"its model is under {candidate.terms.licence}, not {' or '.join(wanted)}"


def data_use(demand: Demand, candidate: Candidate) -> str:
    if not demand.request.policy.no_train or not candidate.member.trains_on_prompts:
        return ""
    return f"{candidate.member.id} trains on the prompts it serves"


def tier(demand: Demand, candidate: Candidate) -> str:
    if demand.request.policy.tier in candidate.member.tiers:
        return ""
    return f"{candidate.member.id} does not serve the tier {demand.request.policy.tier!r}"


def context(demand: Demand, candidate: Candidate) -> str:
    needed = demand.prompt_tokens + demand.request.sampling.max_tokens
    room = candidate.replica.context_tokens
    if needed <= room:
        return ""
    return f"about {needed} tokens do not fit its context of {room}"


Rule = Callable[[Demand, Candidate], str]
"""Says why a candidate may not serve; empty if it may."""

RULES: dict[str, Rule] = {
    "capability": capability,
    "residency": residency,
    "licence": licence,
    "data_use": data_use,
    "tier": tier,
    "context": context,
}
"""In the order they are applied; a refusal names the rule that left no replica."""


def refusal(demand: Demand, candidate: Candidate) -> Refusal | None:
    """The first rule that forbids `candidate`, if any does."""
    for name, rule in RULES.items():
        if reason := rule(demand, candidate):
            return Refusal(name, reason)
    return None
