"""A candidate gets its share of callers, each for a while, and is told from a model it is no
worse than."""

import itertools
from collections import deque

import pytest

from hansa.routing.canary import SESSION_S, Arm, Rule, Times, drawn, worse

RULE = Rule("live", "candidate", 0.1, 50, 1.5, 0.05)
NOW_MS = 1_795_000_000_000


def arm(
    requests: int = 100, failed: int = 0, shown: int = 0, accepted: int = 0, ms: float = 100
) -> Arm:
    times = Times(deque([10.0] * 100), deque([ms] * 100))
    return Arm(requests, failed, shown, accepted, {"complete": times})


def test_the_share_of_a_thousand_callers_is_near_what_was_asked_for():
    count = sum(drawn(RULE, f"key-{n}", NOW_MS) for n in range(1000))
    assert 70 <= count <= 130


def test_the_share_of_one_callers_sessions_is_too():
    sessions = (NOW_MS + n * SESSION_S * 1000 for n in range(1000))
    assert 70 <= sum(drawn(RULE, "key-1", each) for each in sessions) <= 130


def test_a_caller_changes_at_most_once_in_a_session():
    for caller in ("key-1", "key-2", "key-3"):
        seen = [drawn(RULE, caller, NOW_MS + n * 1000) for n in range(SESSION_S)]
        assert sum(a != b for a, b in itertools.pairwise(seen)) <= 1


def test_nobody_is_drawn_for_no_share():
    rule = Rule("live", "candidate", 0.0, 50, 1.5, 0.05)
    assert not any(drawn(rule, f"key-{n}", NOW_MS) for n in range(1000))


@pytest.mark.parametrize(
    ("live", "candidate", "said"),
    [
        (arm(), arm(), ""),
        (arm(ms=100), arm(ms=149), ""),
        (arm(ms=100), arm(ms=151), "151 ms in all (median), 100 ms with live"),
        (arm(shown=400, accepted=200), arm(shown=400, accepted=190), ""),
        (arm(shown=400, accepted=200), arm(shown=49, accepted=0), ""),
        (arm(shown=400, accepted=200), arm(shown=400, accepted=120), "30.0 % of 400 suggestions"),
        (arm(shown=60, accepted=30), arm(shown=60, accepted=26), ""),
        (arm(requests=100, failed=1), arm(requests=49, failed=49), ""),
        (arm(requests=100, failed=1), arm(requests=100, failed=3), ""),
        (arm(requests=100, failed=1), arm(requests=100, failed=30), "30 of 100 requests failed"),
        (arm(requests=0), arm(requests=49, failed=49), ""),
        (arm(requests=0), arm(requests=50, failed=2), ""),
        (arm(requests=0), arm(requests=50, failed=25), "25 of 50 requests failed, 0 of 0 with"),
        (arm(requests=9, failed=9), arm(requests=50, failed=5), ""),
        (arm(requests=9), arm(requests=50, failed=25), "25 of 50 requests failed, 0 of 9 with"),
    ],
)
def test_only_what_is_worse_by_more_than_chance_and_the_bound_is_called_so(
    live: Arm, candidate: Arm, said: str
):
    found = worse(RULE, live, candidate)
    assert said in found
    assert bool(found) == bool(said)


def test_a_slow_twentieth_is_enough():
    candidate = arm()
    candidate.times["complete"].whole.extend([1000] * 10)
    assert "(p95)" in worse(RULE, arm(), candidate)


def test_what_nobody_notices_is_not_slower():
    assert worse(RULE, arm(ms=1), arm(ms=9)) == ""


def test_tasks_are_not_mixed():
    candidate = arm(ms=10_000)
    candidate.times["chat"] = candidate.times.pop("complete")
    assert worse(RULE, arm(), candidate) == ""
