"""What goes over the wire comes back the same."""

import msgspec
import pytest

from hansa.core.errors import EngineUnavailable, PolicyRefusal
from hansa.wire.native import error_body
from hansa.wire.requests import Chunk, Message, Policy, Request, Sampling, Snippet, Usage


def test_a_request_comes_back_the_same():
    request = Request(
        id="r", task="chat", messages=(Message("user", "hi"),), prefix="a", suffix="é",
        snippets=(Snippet("a.py", 1, 2, "x"),), sampling=Sampling(stop=("\n",)),
        policy=Policy(("eu",), ("MIT",), no_train=True, tier="pro"), budget_ms=5,
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(request), type=Request) == request
    assert request.prompt_chars() == 5


@pytest.mark.parametrize("body", [b'{"id":"r"}', b'{"id":"r","task":"sing"}', b'{"id":1}', b"[]"])
def test_what_is_no_request_is_refused(body: bytes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Request)


def test_a_chunk_says_only_what_it_has():
    assert msgspec.json.encode(Chunk("x")) == b'{"text":"x"}'
    last = Chunk(finish="stop", usage=Usage(1, 2))
    assert msgspec.json.decode(msgspec.json.encode(last), type=Chunk) == last


def test_an_error_body_names_the_rule_that_refused():
    refusal = error_body(PolicyRefusal("no", rule="residency", hint="h"))
    assert (refusal.rule, refusal.retryable, refusal.hint) == ("residency", False, "h")
    down = error_body(EngineUnavailable("down"))
    assert (down.code, down.rule, down.retryable) == ("engine_unavailable", "", True)
