"""The official Mistral SDK, unchanged, against a node."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

from hansa.engines.mock import Mock
from support.league import MemberSpec, make_league
from support.nodes import Running, running


@pytest.fixture
async def node(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))
    async with running(made["solo"].settings()) as up:
        engine = up.node.fleet.local["r1"].engine
        assert isinstance(engine, Mock)
        engine.pieces = ("return ", "a + b")
        yield up


@pytest.fixture
async def client(node: Running) -> AsyncGenerator[Mistral]:
    async with Mistral(api_key=node.key, server_url=node.url) as sdk:
        yield sdk


async def test_fim(client: Mistral) -> None:
    reply = await client.fim.complete_async(
        model="auto", prompt="def add(a, b):\n    ", suffix="\n\nprint(add(1, 2))"
    )
    assert reply.choices[0].message.content == "return a + b"
    assert reply.usage.completion_tokens == 2


async def test_fim_streamed(client: Mistral) -> None:
    stream = await client.fim.stream_async(model="auto", prompt="def add(a, b):\n    ")
    events = [event async for event in stream]
    text = "".join(str(event.data.choices[0].delta.content or "") for event in events)
    assert text == "return a + b"
    assert events[-1].data.choices[0].finish_reason == "stop"
    assert events[-1].data.usage is not None


async def test_chat(client: Mistral) -> None:
    reply = await client.chat.complete_async(
        model="auto", messages=[{"role": "user", "content": "add two numbers"}]
    )
    assert reply.choices[0].message.content == "return a + b"


async def test_models(client: Mistral) -> None:
    models = await client.models.list_async()
    assert models.data
    assert models.data[0].id == "smollm2-135m-instruct"


async def test_wrong_key(node: Running) -> None:
    async with Mistral(api_key="wrong", server_url=node.url) as sdk:
        with pytest.raises(SDKError, match="not known"):
            await sdk.fim.complete_async(model="auto", prompt="x")
