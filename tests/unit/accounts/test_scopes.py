"""Scopes: a key does what it was made for, and a refusal names what it is held to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.accounts.scopes import ANYTHING, Scope, expiry_ms, make_scope, narrow
from hansa.core.errors import KeyScope, UserError
from hansa.wire.requests import Policy, Request

HELD = Scope(("small", "large"), ("chat", "complete"), ("eu", "ch"))


def a_request(task: str = "chat", model: str = "small", residency: tuple[str, ...] = ()) -> Request:
    return Request("req-1", task, model, policy=Policy(residency))  # type: ignore[arg-type]  a task


def test_a_key_for_anything_changes_nothing():
    request = a_request("reason", "any", ("us",))
    assert narrow(request, ANYTHING) is request


def test_residency_is_added_to_the_policy():
    assert narrow(a_request(), HELD).policy.residency == ("eu", "ch")
    assert narrow(a_request(residency=("us", "ch")), HELD).policy.residency == ("ch",)


def test_an_open_model_becomes_the_first_one():
    assert narrow(a_request(model="auto"), HELD).model == "small"
    assert narrow(a_request(model="large"), HELD).model == "large"


@pytest.mark.parametrize(
    ("request_", "scope", "said"),
    [
        (a_request("edit"), "tasks", "the task 'edit' .*it covers chat, complete"),
        (a_request(model="huge"), "models", "the model 'huge' .*it covers small, large"),
        (a_request(residency=("us", "jp")), "residency", "the residency 'us or jp' .*eu, ch"),
    ],
)
def test_what_is_outside_is_refused_by_name(request_: Request, scope: str, said: str):
    with pytest.raises(KeyScope, match=said) as caught:
        narrow(request_, HELD)
    assert caught.value.scope == scope
    assert f"(scope: {scope})" in str(caught.value)
    assert (caught.value.code, caught.value.status) == ("key_scope", 403)


REGIONS = st.lists(st.sampled_from(["eu", "us", "ch", "jp"]), unique=True, max_size=4).map(tuple)


@given(REGIONS, REGIONS)
def test_a_key_never_widens_where_a_prompt_may_go(wanted: tuple[str, ...], held: tuple[str, ...]):
    try:
        allowed = narrow(a_request(residency=wanted), Scope(residency=held)).policy.residency
    except KeyScope:
        assert not set(wanted) & set(held)
        return
    assert bool(allowed) == bool(wanted or held)
    for rule in (wanted, held):
        assert not rule or set(allowed) <= set(rule)


@pytest.mark.parametrize(
    ("text", "hours"), [("1h", 1), ("30d", 720), ("8w", 8 * 7 * 24), ("3660d", 3660 * 24)]
)
def test_lifetimes(text: str, hours: int):
    assert expiry_ms(text, 5) == 5 + hours * 3_600_000


def test_without_a_lifetime_there_is_no_end():
    assert expiry_ms("", 5) is None


@pytest.mark.parametrize("text", ["0d", "30", "d", "-1d", "1m", "3661d", "99999w", " 1d", "1d\n"])
def test_what_is_no_lifetime_is_refused(text: str):
    with pytest.raises(UserError, match="is no lifetime"):
        expiry_ms(text, 5)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"models": ("auto",)}, "'auto' is no name of a model"),
        ({"tasks": ("dance",)}, "'dance' is no task"),
        ({"residency": ("EU",)}, "'EU' is no jurisdiction"),
        ({"models": ("m",) * 17}, "at most 16 models"),
    ],
)
def test_a_scope_that_could_never_hold_is_refused(entries: dict[str, tuple[str, ...]], said: str):
    with pytest.raises(UserError, match=said):
        make_scope(**entries)
