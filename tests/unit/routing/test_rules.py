"""Each hard rule, and that a refusal names it."""

import msgspec
import pytest

from hansa.core.errors import EngineUnavailable, NotFound, PolicyRefusal, Unsupported
from hansa.routing.choose import plan
from hansa.routing.demand import Demand
from hansa.routing.rules import RULES, refusal
from hansa.wire.requests import Policy, Request, Sampling
from hansa.wire.tools import OutputForm

from .conftest import Make


def a_request(policy: Policy | None = None, prefix: str = "x", max_tokens: int = 16) -> Request:
    return Request("r", "complete", prefix=prefix, sampling=Sampling(max_tokens),
                   policy=policy or Policy())  # fmt: skip


CASES = {
    "residency": (Policy(residency=("eu",)), {"region": "us"}, {"region": "eu"}),
    "licence": (Policy(licences=("MIT",)), {"licence": "Apache-2.0"}, {"licence": "MIT"}),
    "data_use": (
        Policy(no_train=True),
        {"trains_on_prompts": True},
        {"trains_on_prompts": False},
    ),
    "tier": (Policy(tier="free"), {"tiers": ("team",)}, {"tiers": ("free",)}),
    "context": (Policy(), {"context_tokens": 16}, {"context_tokens": 17}),
}


def test_every_rule_has_a_case():
    assert ["capability", *CASES] == list(RULES)


def test_what_an_engine_cannot_do_is_refused_by_name(make: Make):
    request = msgspec.structs.replace(a_request(), output=OutputForm("json_object"))
    assert refusal(Demand.of(request), make(features=("complete", "json_object"))) is None
    with pytest.raises(Unsupported, match="acme/r1: its engine cannot do json_object with small"):
        plan(request, [make(features=("complete",))])


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_refuses_and_is_named(rule: str, make: Make):
    policy, wrong, right = CASES[rule]
    request = a_request(policy)
    assert refusal(Demand.of(request), make(**right)) is None
    with pytest.raises(PolicyRefusal) as caught:
        plan(request, [make(**wrong)])
    assert caught.value.rule == rule
    assert "acme/r1" in caught.value.message
    assert ("fewer tokens" if rule == "context" else repr(rule)) in caught.value.hint


@pytest.mark.parametrize("rule", ["residency", "licence", "data_use"])
def test_a_rule_that_was_not_asked_for_refuses_nobody(rule: str, make: Make):
    _, wrong, _ = CASES[rule]
    assert refusal(Demand.of(a_request()), make(**wrong)) is None


def test_one_of_several_places_will_do(make: Make):
    request = a_request(Policy(residency=("us", "eu")))
    assert refusal(Demand.of(request), make(region="eu")) is None


def test_the_context_holds_prompt_and_answer(make: Make):
    candidate = make(context_tokens=200)
    assert refusal(Demand.of(a_request(prefix="x" * 300, max_tokens=100)), candidate) is None
    assert refusal(Demand.of(a_request(prefix="x" * 303, max_tokens=100)), candidate) is not None


def test_a_refusal_tells_of_every_replica_and_the_last_rule_in_order(make: Make):
    request = a_request(Policy(residency=("eu",), no_train=True))
    candidates = [make("a/r", region="us"), make("b/r", region="eu", trains_on_prompts=True)]
    with pytest.raises(PolicyRefusal) as caught:
        plan(request, candidates)
    assert "a/r: it runs in 'us'" in caught.value.message
    assert "b/r: b trains on the prompts" in caught.value.message
    assert caught.value.rule == "data_use"


def test_a_model_nobody_has_is_not_found(make: Make):
    request = Request("r", "complete", model="large", prefix="x")
    with pytest.raises(NotFound, match="no member offers the model 'large'") as caught:
        plan(request, [make(), make("b/r")])
    assert caught.value.hint == "offered: small"


def test_nothing_offered_at_all_can_be_tried_again():
    with pytest.raises(EngineUnavailable, match="no member of the league has a replica") as caught:
        plan(a_request(), [])
    assert caught.value.retryable


def test_all_that_may_serve_are_down(make: Make):
    request = a_request(Policy(residency=("eu",)))
    candidates = [make("a/r", up=False, down_reason="it sleeps"), make("b/r", region="us")]
    with pytest.raises(EngineUnavailable, match="a/r: it sleeps") as caught:
        plan(request, candidates)
    assert "b/r" not in caught.value.message
