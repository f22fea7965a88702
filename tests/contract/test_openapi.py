"""What docs/openapi.json promises holds, for right and wrong bodies that nobody thought of."""

import asyncio
import json
from random import Random
from typing import Any

import aiohttp
import hypothesis
import pytest
import schemathesis
import yarl
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hansa.models.catalog import DEFAULT_MODEL
from support.nodes import Running
from support.repository import ROOT
from support.waiting import until

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations()}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
CASES, NESTED_CASES = 16, 6
"""Of each operation and of each kind: such as fit its schema, and such as do not. Blocks inside blocks
take long to think of."""

HONEST = {503, 507}
"""A node without a free replica, or without disk, says so; any other 5xx is a mistake."""


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("label", OPERATIONS)
async def test_the_node_keeps_to_its_document(label: str, mode: str, fronting: Running) -> None:
    operation = OPERATIONS[label]
    takes_nothing = not (operation.body or operation.path_parameters)
    if mode == "negative" and takes_nothing:
        return
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    served: list[int] = []
    cases = NESTED_CASES if "/messages" in label else CASES

    @hypothesis.seed(8420)
    @hypothesis.settings(
        max_examples=1 if takes_nothing else cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(
        case=operation.as_strategy(generation_mode=GenerationMode(mode)),
        choose=st.randoms(use_true_random=False),
    )
    def send(case: Case, choose: Random) -> None:
        if mode == "positive" and isinstance(case.body, dict):
            case.body = _likely(case.body, choose)
        reply = case.call(
            base_url=fronting.url, headers={"authorization": f"Bearer {fronting.key}"}
        )
        served.append(reply.status_code)
        assert reply.status_code < 500 or reply.status_code in HONEST, reply.text
        case.validate_response(reply, checks=CHECKS)

    await asyncio.to_thread(send)
    assert mode == "negative" or 200 in served or "{" in label, set(served)


def _likely(body: dict[str, Any], choose: Random) -> dict[str, Any]:
    """Less of a body that fits its schema, so that a node answers it more often than not."""
    needed = {"model", "messages", "prompt", "input", "max_tokens", "stream"}
    extra = {choose.choice(sorted(body))}
    likely = {name: value for name, value in body.items() if name in needed | extra}
    if "messages" in likely and choose.random() < 0.5:
        likely["messages"] = json.loads(TEXT)
    return {**likely, "model": choose.choice((DEFAULT_MODEL, DEFAULT_MODEL, body["model"]))}


FIELDS = {"/v1/completions": "prompt", "/v1/responses": "input"}
"""Where a prompt is, if not in `messages`."""

TEXT = '[{"role": "user", "content": "hello"}]'
ODD = {
    "a huge integer": '{"model": "auto", "messages": TEXT, "max_tokens": 1' + "0" * 400 + "}",
    "a huge seed": '{"model": "auto", "messages": TEXT, "seed": 1' + "0" * 40 + "}",
    "a huge number": '{"model": "auto", "messages": TEXT, "temperature": 1e999}',
    "half a character": '{"model": "auto", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "half a character as model": '{"model": "\\ud800", "messages": TEXT}',
    "a line break as model": '{"model": "a\\r\\nb: c", "messages": TEXT}',
    "another script as model": '{"model": "\u6a21\u578b", "messages": TEXT}',
    "a deep body": '{"model": "auto", "messages": ' + "[" * 5000 + "]" * 5000 + "}",
    "a deep field": '{"model": "auto", "messages": TEXT, "metadata": '
    + "[" * 900 + "]" * 900 + "}",
    "no object": "[]",
    "nothing": "",
    "no UTF-8": "\xff\xfe",
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
async def test_odd_bodies_are_answered_or_refused(what: str, fronting: Running) -> None:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    headers = {"authorization": f"Bearer {fronting.key}", "content-type": "application/json"}
    body = ODD[what].replace("TEXT", TEXT).encode("latin-1" if what == "no UTF-8" else "utf-8")
    async with aiohttp.ClientSession(fronting.url, headers=headers) as session:
        for path in ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"):
            field = FIELDS.get(path, "messages")
            sent = body.replace(b"messages", field.encode())
            if path == "/v1/completions":
                sent = sent.replace(TEXT.encode(), b'"hello"')
            async with session.post(path, data=sent) as reply:
                text = await reply.text()
                assert reply.status < 500 or reply.status in HONEST, (path, text)
                assert reply.content_type == "application/json"
                json.loads(text)


@pytest.mark.parametrize("name", ["%ff", "%00", "a%2Fb", "..%2f..", "%E6%A8%A1", "x" * 2000])
async def test_odd_names_are_not_found(name: str, fronting: Running) -> None:
    headers = {"authorization": f"Bearer {fronting.key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = yarl.URL(f"{fronting.url}/v1/models/{name}", encoded=True)
        async with session.get(url) as reply:
            assert reply.status == 404
            assert json.loads(await reply.read())["error"]["code"] == "not_found"


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "idempotency-key"])
async def test_odd_headers_are_refused(header: str, fronting: Running) -> None:
    scheme = "Bearer " if header == "authorization" else ""
    headers = {"authorization": f"Bearer {fronting.key}", header: f"{scheme}\u00e9\u00ff" * 200}
    if header == "x-api-key":
        del headers["authorization"]
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{fronting.url}/v1/completions", data=b"{}") as reply,
    ):
        assert reply.status in {400, 401}
        json.loads(await reply.read())
