"""Asking an OpenAI-compatible endpoint."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.core.errors import EngineError, EngineUnavailable, Unauthorized, UserError
from hansa.evals import endpoint as module
from hansa.evals.endpoint import Address, Endpoint, request_body
from hansa.evals.question import Sampling
from hansa.wire.requests import Snippet

from .samples import question


@dataclass
class Provider:
    """Streams its pieces; refuses with its statuses first."""

    pieces: list[str] = field(default_factory=lambda: ["a", "b"])
    refusals: list[int] = field(default_factory=list[int])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str] = field(default_factory=list[str])
    sent: int = 0
    says: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(msgspec.json.decode(await request.read()))
        self.keys.append(request.headers.get("authorization", ""))
        if self.refusals:
            status = self.refusals.pop(0)
            body = {"error": {"message": self.says or f"no {status}"}}
            return web.json_response(body, status=status, headers={"retry-after": "0"})
        chat = request.path.endswith("chat/completions")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in self.pieces:
            choice: dict[str, Any] = {"delta": {"content": piece}} if chat else {"text": piece}
            await self._send(response, {"choices": [choice]})
            self.sent += 1
        await self._send(response, {"choices": [{"text": "", "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        await self._send(response, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "m"}, {"id": "n", "weights_sha256": "ab"}]})

    @staticmethod
    async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
        await response.write(b"data: " + msgspec.json.encode(event) + b"\n\n")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def endpoint(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoint]:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.0)
    app = web.Application()
    app.router.add_post("/v1/completions", provider.answer)
    app.router.add_post("/v1/chat/completions", provider.answer)
    app.router.add_get("/v1/models", provider.models)
    async with (
        TestServer(app) as server,
        Endpoint(Address(str(server.make_url("/v1")), "key", "m")) as endpoint,
    ):
        yield endpoint


@pytest.mark.parametrize("kind", ["chat", "complete"])
async def test_an_answer_is_read_and_timed(endpoint: Endpoint, provider: Provider, kind: str):
    answer = await endpoint.ask(question("q", kind=kind), Sampling())
    assert (answer.text, answer.finish) == ("ab", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (9, 2)
    assert 0 < answer.ttft_ms <= answer.total_ms
    assert provider.keys == ["Bearer key"]


async def test_reading_ends_when_there_is_enough(endpoint: Endpoint, provider: Provider):
    provider.pieces = ["\n", "x = 1", "\n", "y"]
    answer = await endpoint.ask(question("q", newlines_max=1), Sampling())
    assert answer.text.startswith("\nx = 1\n")
    assert answer.finish == "enough"


@pytest.mark.parametrize(
    ("pieces", "finish"),
    [
        (["```python\n", "x = 1\n", "```", "\nThat is it"], "enough"),
        (["Sure:\n\n```\nx", "\n```\n", "more"], "enough"),
        (["```python\nx = '```'"], "stop"),
        (["```python\nx = 1", "0" * 300, "1"], "enough"),
        (["```python\n", "x = [0, 1, 2]\n" * 30, "1"], "enough"),
        (["```python\n", *(f"x{n} = {n}\n" for n in range(60))], "stop"),
    ],
)
async def test_a_block_of_code_is_enough(
    endpoint: Endpoint, provider: Provider, pieces: list[str], finish: str
):
    provider.pieces = pieces
    answer = await endpoint.ask(question("q", kind="chat", one_block=True), Sampling())
    assert answer.finish == finish


async def test_stops_beyond_four_are_ours(endpoint: Endpoint, provider: Provider):
    provider.pieces = ["one five two"]
    stops = ("1", "2", "3", "4", " five")
    answer = await endpoint.ask(question("q", stop=stops), Sampling())
    assert answer.text == "one"
    assert provider.asked[0]["stop"] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_work_later_is_tried_again(
    endpoint: Endpoint, provider: Provider, status: int
):
    provider.refusals = [status, status]
    assert (await endpoint.ask(question("q"), Sampling())).text == "ab"
    provider.refusals = [status] * 9
    with pytest.raises(EngineUnavailable, match=f"answered {status}: no {status}"):
        await endpoint.ask(question("q"), Sampling())
    assert len(provider.refusals) == 9 - module.ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("status", "kind"), [(400, UserError), (404, UserError), (401, Unauthorized)]
)
async def test_what_never_works_is_not(
    endpoint: Endpoint, provider: Provider, status: int, kind: type[Exception]
):
    provider.refusals = [status]
    with pytest.raises(kind, match=f"no {status}"):
        await endpoint.ask(question("q"), Sampling())
    assert len(provider.asked) == 1


async def test_a_model_that_takes_no_suffix_is_hinted_at(endpoint: Endpoint, provider: Provider):
    provider.refusals = [400]
    with pytest.raises(UserError) as raised:
        await endpoint.ask(question("q", suffix="s"), Sampling())
    assert raised.value.hint == ""
    provider.refusals = [400]
    provider.says = "suffix is not supported"
    with pytest.raises(UserError) as raised:
        await endpoint.ask(question("q", suffix="s"), Sampling())
    assert "--prefix-only" in raised.value.hint


async def test_an_address_where_nobody_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.0)
    async with Endpoint(Address("http://127.0.0.1:9/v1", "")) as endpoint:
        with pytest.raises(EngineUnavailable, match="cannot be asked"):
            await endpoint.ask(question("q"), Sampling())


async def test_models_are_listed(endpoint: Endpoint):
    assert await endpoint.models() == {"m": "", "n": "ab"}


async def test_what_is_no_completion_is_said(endpoint: Endpoint, provider: Provider):
    provider.pieces = [1]  # type: ignore[list-item]  what no endpoint sends
    with pytest.raises(EngineError, match="no event of a completion"):
        await endpoint.ask(question("q"), Sampling())


def test_each_sample_has_a_seed_of_its_own():
    body = request_body(Address("u", "k", "m"), question("q"), Sampling(seed=5), 3)
    assert (body["seed"], body["temperature"], body["model"]) == (8, 0.0, "m")


def test_ways_to_fill_in_are_asked_for_where_there_is_a_suffix():
    weighed = Sampling(best_of=4)
    hole = question("q", kind="complete", suffix="\nb", begins="\n  ", newlines_max=1)
    node = Address("u", "k", "m", is_node=True)
    body = request_body(node, hole, weighed, 0)
    assert (body["best_of"], body["stop"]) == (4, ["\n"]), "no more than the line that counts"
    lines = question("q", kind="complete", suffix="\nb", begins="\n  ", newlines_max=2)
    assert "stop" not in request_body(node, lines, weighed, 0)
    assert "stop" not in request_body(Address("u", "k", "m"), hole, weighed, 0)
    assert "best_of" not in request_body(node, question("q"), weighed, 0)


def test_pieces_of_other_files_go_apart_to_a_node_and_as_comments_elsewhere():
    asked = question("q", snippets=(Snippet("a.py", 1, 2, "x = 1\n\ny"),))
    elsewhere = request_body(Address("u", "k", "m"), asked, Sampling(), 0)
    assert elsewhere["prompt"] == "# Compare this snippet from a.py:\n# x = 1\n#\n# y\nq"
    node = request_body(Address("u", "k", "m", is_node=True), asked, Sampling(), 0)
    assert node["prompt"] == "q"
    assert node["hansa"]["snippets"] == asked.snippets
