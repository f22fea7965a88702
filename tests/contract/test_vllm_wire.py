"""vLLM still says what was recorded of it, and behaves as our engine relies on."""

import http.client
import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.exchanges import Exchange, Question, ask, questions, recorded
from support.nodes import wait_for
from support.vllm import VllmServer, vllm_process

pytestmark = pytest.mark.vllm


def test_answers_have_the_recorded_shape(vllm_server: VllmServer) -> None:
    """One test, because some questions need what an earlier one did."""
    for question in questions():
        was, now = recorded(question.name), ask(vllm_server.url, question)
        assert was.body == question.body, f"record anew: {question.name}"
        assert (now.status, now.content_type) == (was.status, was.content_type), question.name
        assert shape(now) == shape(was), question.name


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_work(vllm_server: VllmServer, stream: bool) -> None:
    url, limit = vllm_server.url, 400
    made_before = metric(url, "generation_tokens_total")
    body = {"model": vllm_server.model, "prompt": "def", "max_tokens": limit, "ignore_eos": True}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(
        "POST",
        "/v1/completions",
        json.dumps({**body, "stream": stream}),
        {"content-type": "application/json"},
    )
    wait_for(lambda: metric(url, "num_requests_running") == 1, timeout_s=30)
    assert connection.sock
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_for(lambda: metric(url, "num_requests_running") == 0, timeout_s=30)
    assert metric(url, "generation_tokens_total") - made_before < limit


def test_the_recordings_tell_what_is_peculiar() -> None:
    """Facts that `engines/vllm` is written around; a new version may change them."""
    assert "does not exist" in error("no_such_model")["message"]
    assert error("prompt_too_long")["param"] == "input_tokens"
    assert error("max_tokens_too_many")["param"] == "max_tokens"
    assert error("suffix_refused")["param"] == "suffix"
    assert json.loads(recorded("no_such_endpoint").answer) == {"detail": "Not Found"}
    assert recorded("unknown_field_ignored").status == 200
    cut = json.loads(recorded("tool_cut_short").answer)["choices"][0]
    assert cut["finish_reason"] == "length"
    assert cut["message"]["content"].startswith("<tool_call>")
    named = json.loads(recorded("tool").answer)["choices"][0]
    assert named["finish_reason"] == "stop"
    assert named["message"]["tool_calls"][0]["function"]["name"] == "rename"
    cached = json.loads(recorded("prefix_cached").answer)["usage"]["prompt_tokens_details"]
    assert cached["cached_tokens"] == 128


@pytest.mark.usefixtures("vllm_environment")
def test_a_mixture_of_experts_is_served(tmp_path: Path) -> None:
    with vllm_process("mixtral", tmp_path / "vllm.log") as server:
        body = {"model": server.model, "prompt": "def add(", "max_tokens": 4, "temperature": 0}
        answer = json.loads(ask(server.url, Question("q", "/v1/completions", body)).answer)
    assert answer["usage"]["completion_tokens"] == 4


def shape(exchange: Exchange) -> set[str]:
    """Paths of all that an answer holds, whatever the values; of a stream, of all its events."""
    if exchange.content_type.startswith("text/event-stream"):
        data = re.findall(r"^data: (.*)$", exchange.answer, re.MULTILINE)
        assert data[-1] == "[DONE]"
        return {path for each in data[:-1] for path in _paths(json.loads(each))}
    if exchange.content_type == "application/json":
        return set(_paths(json.loads(exchange.answer)))
    return {re.sub(r"[\d.e+-]+$", "", line) for line in exchange.answer.splitlines()}


def error(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(recorded(name).answer)["error"]
    return found


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    found = re.search(rf"^vllm:{name}\{{[^}}]*\}} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def _paths(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, f"{place}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each, f"{place}[]")
    else:
        yield place
