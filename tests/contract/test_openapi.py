"""What docs/openapi.json promises holds, for right and wrong bodies that nobody thought of."""

import asyncio
import itertools
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
from schemathesis import APIOperation, Case, GenerationMode
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
"""Of each operation and of each kind: such as fit its schema, and such as do not.

Blocks inside blocks take long to think of."""

HONEST = {503, 507, 529}
"""A node without a free replica (529 is Anthropic's word for it), or without disk, says so; any
other 5xx is a mistake."""


@pytest.mark.parametrize("label", OPERATIONS)
async def test_the_node_keeps_to_its_document(label: str, fronting: Running) -> None:
    operation = OPERATIONS[label]
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    if not (operation.body or operation.path_parameters):
        assert 200 in await asyncio.to_thread(_send, operation, fronting, "positive", 1)
        return
    cases = NESTED_CASES if "/messages" in label else CASES
    served = await asyncio.to_thread(_send, operation, fronting, "positive", cases)
    assert 200 in served or "{" in label, served
    await asyncio.to_thread(_send, operation, fronting, "negative", cases)


def _send(operation: APIOperation, fronting: Running, mode: str, cases: int) -> set[int]:
    """Send so many; the statuses of their answers."""
    seen: set[int] = set()

    @hypothesis.seed(8420)
    @hypothesis.settings(
        max_examples=cases,
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
        seen.add(reply.status_code)
        assert reply.status_code < 500 or reply.status_code in HONEST, reply.text
        case.validate_response(reply, checks=CHECKS)

    send()
    return seen


def _likely(body: dict[str, Any], choose: Random) -> dict[str, Any]:
    """Less of a body that fits its schema, so that a node answers it more often than not."""
    needed = {"model", "messages", "prompt", "input", "max_tokens", "stream"}
    extra = {choose.choice(sorted(body))}
    likely = {name: value for name, value in body.items() if name in needed | extra}
    if "messages" in likely and choose.random() < 0.5:
        likely["messages"] = json.loads(TEXT)
    return {**likely, "model": choose.choice((DEFAULT_MODEL, DEFAULT_MODEL, body["model"]))}


TEXT = '[{"role": "user", "content": "hello"}]'
FIELDS = {
    "/v1/chat/completions": ("messages", TEXT),
    "/v1/completions": ("prompt", '"hello"'),
    "/v1/responses": ("input", TEXT),
    "/v1/messages": ("messages", TEXT),
}
"""Where a prompt is, and a good one."""

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


async def test_odd_bodies_are_answered_or_refused(fronting: Running) -> None:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    headers = {"authorization": f"Bearer {fronting.key}", "content-type": "application/json"}
    async with aiohttp.ClientSession(fronting.url, headers=headers) as session:
        for what, path in itertools.product(ODD, FIELDS):
            field, text = FIELDS[path]
            body = ODD[what].replace("messages", field).replace("TEXT", text)
            data = body.encode("latin-1" if what == "no UTF-8" else "utf-8")
            async with session.post(path, data=data) as reply:
                said = await reply.text()
                assert reply.status < 500 or reply.status in HONEST, (what, path, said)
                assert reply.content_type == "application/json"
                json.loads(said)


async def test_odd_names_are_not_found(fronting: Running) -> None:
    headers = {"authorization": f"Bearer {fronting.key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for name in ("%ff", "%00", "a%2Fb", "..%2f..", "%E6%A8%A1", "x" * 2000):
            url = yarl.URL(f"{fronting.url}/v1/models/{name}", encoded=True)
            async with session.get(url) as reply:
                assert reply.status == 404, name
                assert json.loads(await reply.read())["error"]["code"] == "not_found"


async def test_odd_headers_are_refused(fronting: Running) -> None:
    strange, good = "\u00e9\u00ff" * 200, f"Bearer {fronting.key}"
    async with aiohttp.ClientSession(fronting.url) as session:
        for headers in (
            {"authorization": f"Bearer {strange}"},
            {"x-api-key": strange},
            {"authorization": good, "idempotency-key": strange},
        ):
            async with session.post("/v1/completions", data=b"{}", headers=headers) as reply:
                assert reply.status in {400, 401}, headers
                json.loads(await reply.read())
