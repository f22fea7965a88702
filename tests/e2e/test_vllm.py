"""A node in front of a real vLLM with a tiny model: the SDK, adapters, structure, receipts."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import openai
import pytest

from hansa.engines.compatible import Compatible
from hansa.league.chain import Chain, write_file
from hansa.league.charter import CharterFile, draft, sign
from hansa.models.catalog import DEFAULT_MODEL
from support.league import MemberSpec, make_league
from support.nodes import Running, running
from support.vllm import CONTEXT_TOKENS, VllmServer
from support.waiting import until

pytestmark = pytest.mark.vllm

TUNED = "tuned"
USER = {"role": "user", "content": "def add(a, b):"}


@pytest.fixture
async def node(tmp_path: Path, vllm_server: VllmServer) -> AsyncGenerator[Running]:
    """One member whose replica is vLLM, with an adapter that has terms of its own."""
    made = make_league(tmp_path, (MemberSpec("solo"),))["solo"]
    charter = Chain.load(made.folder / "charter.json").current
    tuned = msgspec.structs.replace(charter.models[0], model=TUNED)
    envelope = draft(msgspec.structs.replace(charter, models=(*charter.models, tuned)))
    write_file(made.folder / "charter.json", CharterFile((sign(envelope, made.root),)))
    replica = f"""
[[replica]]
id = "gpu-0"
model = "{DEFAULT_MODEL}"
engine = "vllm"
url = "{vllm_server.url}/v1"
upstream_model = "{vllm_server.model}"
slots = 8
context_tokens = {CONTEXT_TOKENS}
adapters = [{{ model = "{TUNED}", path = "{vllm_server.adapter}" }}]
"""
    made.config.write_text(made.config.read_text() + replica)
    async with running(made.settings()) as up:
        engine = up.node.fleet.local["gpu-0"].engine
        await until(lambda: engine.state() == "ready")
        yield up
    unload = urllib.request.Request(
        f"{vllm_server.url}/v1/unload_lora_adapter",
        json.dumps({"lora_name": TUNED}).encode(),
        {"content-type": "application/json"},
    )
    await asyncio.to_thread(lambda: urllib.request.urlopen(unload, timeout=10).close())


@pytest.fixture
async def sdk(node: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    url = f"{node.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=node.key, max_retries=0) as client:
        yield client


async def test_chat_is_streamed_counted_and_receipted(
    node: Running, sdk: openai.AsyncOpenAI
) -> None:
    stream = await sdk.chat.completions.create(
        model=DEFAULT_MODEL, messages=[USER], max_tokens=12, stream=True,  # type: ignore[list-item]  a plain dictionary
        stream_options={"include_usage": True},
    )  # fmt: skip
    chunks = [chunk async for chunk in stream]
    usage = chunks[-1].usage
    assert usage
    assert 0 < usage.completion_tokens <= 12
    [entry] = await node.node.ledger.entries()
    assert entry.receipt.completion_tokens == usage.completion_tokens
    assert entry.receipt.prompt_tokens == usage.prompt_tokens


async def test_a_prefix_read_before_is_cached(node: Running, sdk: openai.AsyncOpenAI) -> None:
    prompt = "def add(a, b):\n    return a + b\n\n" * 8
    for _ in range(2):
        await sdk.completions.create(model=DEFAULT_MODEL, prompt=prompt, max_tokens=2)
    entries = await node.node.ledger.entries()
    assert entries[1].receipt.cached_tokens > 0


async def test_log_probabilities_and_choices(sdk: openai.AsyncOpenAI) -> None:
    text = await sdk.completions.create(model=DEFAULT_MODEL, prompt="a", max_tokens=3, logprobs=2)
    logprobs = text.choices[0].logprobs
    assert logprobs
    assert logprobs.tokens
    assert "".join(logprobs.tokens) == text.choices[0].text
    chat = await sdk.chat.completions.create(
        model=DEFAULT_MODEL, messages=[USER], max_tokens=3, n=2, temperature=1, seed=1  # type: ignore[list-item]  a plain dictionary
    )  # fmt: skip
    assert [each.index for each in chat.choices] == [0, 1]


async def test_structured_output_has_its_structure(sdk: openai.AsyncOpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    reply = await sdk.chat.completions.create(
        model=DEFAULT_MODEL,
        messages=[USER],  # type: ignore[list-item]  a plain dictionary
        max_tokens=60,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )
    assert isinstance(json.loads(reply.choices[0].message.content or "")["ok"], bool)


async def test_an_adapter_is_a_model_of_its_own(node: Running, sdk: openai.AsyncOpenAI) -> None:
    assert TUNED in [model.id async for model in sdk.models.list()]
    plain = await sdk.completions.create(model=DEFAULT_MODEL, prompt="def ", max_tokens=16)
    tuned = await sdk.completions.create(model=TUNED, prompt="def ", max_tokens=16)
    assert tuned.model == TUNED
    assert tuned.choices[0].text != plain.choices[0].text
    entries = await node.node.ledger.entries()
    assert [entry.receipt.model for entry in entries] == [DEFAULT_MODEL, TUNED]


async def test_a_prompt_too_long_is_the_callers_error(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises((openai.BadRequestError, openai.PermissionDeniedError)):
        await sdk.completions.create(model=DEFAULT_MODEL, prompt="x " * 2000, max_tokens=4)


async def test_a_client_that_leaves_stops_vllm_and_is_metered(
    node: Running, sdk: openai.AsyncOpenAI
) -> None:
    stream = await sdk.completions.create(
        model=DEFAULT_MODEL, prompt="def", max_tokens=400, stream=True
    )
    await anext(aiter(stream))
    await stream.close()
    engine = node.node.fleet.local["gpu-0"].engine
    assert isinstance(engine, Compatible)
    await until(lambda: node.node.fleet.local["gpu-0"].busy == 0)
    await node.node.answering.close()
    [entry] = await node.node.ledger.entries()
    assert entry.receipt.finish == "cancelled"
    assert 0 < entry.receipt.completion_tokens < 400
