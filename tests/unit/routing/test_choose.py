"""The order of routes, and the reason given for the first."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.errors import DeadlineUnmet, EngineUnavailable, PolicyRefusal
from hansa.routing.candidates import Candidate
from hansa.routing.choose import BUDGET_MS, plan
from hansa.routing.demand import Demand, prompt_tokens
from hansa.routing.predict import RATE_MIN_PER_S, predict
from hansa.routing.rules import refusal
from hansa.wire.requests import Message, Policy, Request, Sampling

from .conftest import Make, make_candidate

REQUEST = Request("r", "complete", prefix="x" * 30, sampling=Sampling(10))
"""10 tokens in, 10 out: 110 ms at a candidate as made."""
DEMAND = Demand.of(REQUEST)


def names(request: Request, candidates: list[Candidate]) -> list[str]:
    return [route.candidate.name for route in plan(request, candidates).routes]


def test_the_cheapest_within_the_budget_comes_first_then_the_fastest(make: Make):
    candidates = [
        make("over/slower", price=0, network_ms=900),
        make("fast/dear", price=9 * 10**9, network_ms=1),
        make("slow/cheap", price=10**9, network_ms=50),
        make("over/free", price=0, network_ms=500),
        make("mid/cheap", price=10**9, network_ms=20),
    ]
    assert names(REQUEST, candidates) == [
        "mid/cheap", "slow/cheap", "fast/dear", "over/free", "over/slower",
    ]  # fmt: skip


def test_equal_routes_come_by_name(make: Make):
    assert names(REQUEST, [make("b/r"), make("a/r2"), make("a/r1")]) == ["a/r1", "a/r2", "b/r"]


def test_a_request_s_own_budget_counts(make: Make):
    cheap, dear = make("a/cheap", network_ms=50), make("b/dear", price=10**12)
    assert names(REQUEST, [cheap, dear])[0] == "a/cheap"
    hurried = Request("r", "complete", prefix="x" * 30, sampling=Sampling(10), budget_ms=120)
    assert names(hurried, [cheap, dear])[0] == "b/dear"
    assert plan(hurried, [cheap]).budget_ms == 120
    assert plan(REQUEST, [cheap]).budget_ms == BUDGET_MS["complete"] == 200


def test_one_model_or_any(make: Make):
    candidates = [make("a/r", model="small"), make("b/r", model="large")]
    large = Request("r", "complete", model="large", prefix="x")
    assert names(large, candidates) == ["b/r"]
    assert names(REQUEST, candidates) == ["a/r", "b/r"]


def test_the_reason_fits_the_route(make: Make):
    def reason(*candidates: Candidate) -> str:
        chosen = plan(REQUEST, candidates)
        return chosen.reason(chosen.routes[0])

    assert reason(make()) == "the only replica up, predicted 110 ms, budget 200 ms"
    assert reason(make(), make("b/r", tiers=("team",))).startswith("the only replica that may")
    assert reason(make(), make("b/r", price=10**12)).startswith(
        "the cheapest of 2 within the budget"
    )
    assert reason(make(), make("b/r", network_ms=9)).startswith(
        "the fastest of 2 within the budget"
    )
    assert reason(make(), make("b/r", warm_chars=30)).startswith("the warmest cache of 2")
    assert reason(make(network_ms=300), make("b/r", network_ms=400)).startswith("the fastest of 2")


def test_what_tasks_generate_lately_is_what_is_predicted(make: Make):
    usual = msgspec.structs.replace(make(), expected_tokens=2)
    assert predict(DEMAND, usual).decode_ms < predict(DEMAND, make()).decode_ms
    endless = msgspec.structs.replace(make(), expected_tokens=10**6)
    assert predict(DEMAND, endless).decode_ms == predict(DEMAND, make()).decode_ms


def test_a_prediction_adds_up(make: Make):
    each = predict(DEMAND, make(network_ms=5, busy=2, prompt_tokens_per_s=100))
    assert (each.network_ms, each.prompt_ms, each.decode_ms) == (5, 100, 100)
    assert each.queue_ms == 400
    assert each.total_ms == 605


def test_a_warm_cache_saves_the_prompt_but_for_one_token(make: Make):
    assert predict(DEMAND, make(warm_chars=15)).prompt_ms == 5
    assert predict(DEMAND, make(warm_chars=10_000)).prompt_ms == 1


def test_a_bad_report_divides_by_nothing(make: Make):
    each = predict(DEMAND, make(prompt_tokens_per_s=0.0, decode_tokens_per_s=-5.0))
    assert each.decode_ms == 10 * 1000 / RATE_MIN_PER_S


def test_the_price_is_of_prompt_and_answer(make: Make):
    assert predict(DEMAND, make(price=1_000_000)).cost_nanousd == 20


def test_every_part_of_a_request_is_prompt():
    request = Request("r", "chat", messages=(Message("user", "x" * 300),), suffix="y" * 300)
    assert prompt_tokens(request) == 200
    assert prompt_tokens(Request("r", "complete")) == 1


CANDIDATES = st.builds(
    make_candidate,
    st.sampled_from(["a/1", "a/2", "b/1", "c/1"]),
    up=st.booleans(),
    region=st.sampled_from(["eu", "us"]),
    licence=st.sampled_from(["MIT", "Apache-2.0"]),
    trains_on_prompts=st.booleans(),
    tiers=st.sampled_from([("free",), ("pro", "team"), ("free", "pro", "team")]),
    context_tokens=st.sampled_from([8, 64, 4096]),
    network_ms=st.floats(0, 1000),
    busy=st.integers(0, 8),
    price=st.integers(0, 10**12),
)
POLICIES = st.builds(
    Policy,
    st.sampled_from([(), ("eu",), ("us", "eu"), ("mars",)]),
    st.sampled_from([(), ("MIT",)]),
    st.booleans(),
    st.sampled_from(["free", "pro", "team"]),
)


@given(candidates=st.lists(CANDIDATES, max_size=6), policy=POLICIES, chars=st.integers(0, 300))
def test_a_plan_never_holds_a_replica_that_is_refused_or_down(
    candidates: list[Candidate], policy: Policy, chars: int
):
    request = Request("r", "complete", prefix="x" * chars, policy=policy, sampling=Sampling(8))
    may = [each for each in candidates if refusal(Demand.of(request), each) is None]
    up = [each for each in may if each.up]
    try:
        chosen = plan(request, candidates)
    except PolicyRefusal:
        assert candidates
        assert not may
    except EngineUnavailable:
        assert not up
    else:
        assert sorted(each.candidate.name for each in chosen.routes) == sorted(
            each.name for each in up
        )
        assert len(chosen.considered) == len(candidates)
        within = [each.prediction.total_ms <= chosen.budget_ms for each in chosen.routes]
        assert within == sorted(within, reverse=True)


def by(deadline_ms: int) -> Request:
    return msgspec.structs.replace(REQUEST, deadline_ms=deadline_ms)


def test_only_replicas_that_answer_by_the_deadline_are_tried(make: Make):
    candidates = [make("a/cheap", price=0, network_ms=50), make("b/dear", price=10**12)]
    assert names(by(160), candidates) == ["a/cheap", "b/dear"]
    assert names(by(110), candidates) == ["b/dear"]
    assert len(plan(by(110), candidates).considered) == 2


def test_a_deadline_that_nobody_meets_is_refused_with_the_quickest_ones_prediction(make: Make):
    candidates = [make("a/far", network_ms=5_000), make("b/busy", busy=20)]
    with pytest.raises(DeadlineUnmet, match="in the 200 ms") as caught:
        plan(by(200), candidates)
    assert "b/busy, would take 2310 ms, 2200 ms of it in its queue" in caught.value.message
    assert caught.value.retry_after_s == pytest.approx(2.2)
    assert (caught.value.status, caught.value.retryable) == (503, True)


def test_a_replica_that_is_down_meets_no_deadline(make: Make):
    with pytest.raises(DeadlineUnmet, match="b/busy"):
        plan(by(200), [make("a/r", up=False), make("b/busy", busy=20)])
    with pytest.raises(EngineUnavailable, match="is down"):
        plan(by(200), [make("a/r", up=False, down_reason="it is gone")])
