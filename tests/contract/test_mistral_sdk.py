"""The official Mistral SDK, unchanged, against a node."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

from hansa.engines.mock import Mock
from hansa.engines.stand_in import StandIn
from support.league import MemberSpec, make_league
from support.nodes import Running, running
from support.waiting import until

MODEL = "hansa-coder-135m"
USER = {"role": "user", "content": "add two numbers"}


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


async def test_chat_streamed(client: Mistral) -> None:
    stream = await client.chat.stream_async(
        model="auto", messages=[{"role": "user", "content": "add two numbers"}]
    )
    events = [event async for event in stream]
    text = "".join(str(event.data.choices[0].delta.content or "") for event in events)
    assert text == "return a + b"
    assert events[-1].data.choices[0].finish_reason == "stop"


@pytest.fixture
async def fronted(fronting: Running) -> AsyncGenerator[Mistral]:
    """Before an engine over HTTP, which does more than the mock."""
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    async with Mistral(api_key=fronting.key, server_url=fronting.url) as sdk:
        yield sdk


async def test_chat_calls_a_tool(fronted: Mistral, stand_in: StandIn) -> None:
    call = {"name": "weather", "arguments": '{"city":"Kiel"}'}
    stand_in.pieces = ("",)
    stand_in.extra = {"tool_calls": [{"index": 0, "id": "c1", "function": call}]}
    function = {"name": "weather", "parameters": {"type": "object"}, "strict": True}
    asked: Any = {
        "model": MODEL, "messages": [USER], "tool_choice": "any", "parallel_tool_calls": False,
        "tools": [{"type": "function", "function": function}],
    }  # fmt: skip
    reply = await fronted.chat.complete_async(**asked)
    message = reply.choices[0].message
    assert message
    [made] = message.tool_calls or []
    assert (made.id, made.function.name, made.function.arguments) == ("c1", *call.values())
    assert reply.choices[0].finish_reason == "tool_calls"
    seen = stand_in.seen[-1]
    assert (seen["tools"], seen["tool_choice"]) == (asked["tools"], "required")
    assert seen["parallel_tool_calls"] is False
    stream = await fronted.chat.stream_async(**asked)
    pieces = [event.data.choices[0].delta.tool_calls async for event in stream]
    [piece] = [each for said in pieces for each in said or []]
    assert (piece.id, piece.function.arguments) == ("c1", '{"city":"Kiel"}')


async def test_chat_in_a_form(fronted: Mistral, stand_in: StandIn) -> None:
    schema = {"name": "w", "schema": {"type": "object"}, "strict": True}
    reply = await fronted.chat.complete_async(
        model=MODEL,
        messages=[USER, {"role": "assistant", "content": "Well,", "prefix": True}],  # type: ignore[list-item]  plain dictionaries
        response_format={"type": "json_schema", "json_schema": schema},
        random_seed=7,
        temperature=0.5,
    )
    assert reply.choices[0].message
    assert reply.choices[0].message.content == "Hello, world"
    seen = stand_in.seen[-1]
    assert seen["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (seen["seed"], seen["temperature"]) == (7, 0.5)
    assert seen["continue_final_message"] is True


async def test_embeddings(fronted: Mistral, stand_in: StandIn) -> None:
    reply = await fronted.embeddings.create_async(
        model=MODEL, inputs=["a", "b"], output_dimension=2, output_dtype="float"
    )
    assert [each.embedding for each in reply.data] == [[0.0, 0.5], [1.0, 0.5]]
    assert reply.usage.prompt_tokens == 6
    assert stand_in.seen[-1]["dimensions"] == 2
    with pytest.raises(SDKError, match="output_dtype 'int8' is not supported"):
        await fronted.embeddings.create_async(model=MODEL, inputs=["a"], output_dtype="int8")


async def test_errors_in_openais_form_are_readable(client: Mistral, node: Running) -> None:
    """Chat and embeddings are at OpenAI's addresses."""
    with pytest.raises(SDKError, match="cannot do tools") as caught:
        await client.chat.complete_async(
            model="auto",
            messages=[USER],  # type: ignore[list-item]  plain dictionaries
            tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        )
    assert (caught.value.status_code, "unsupported" in caught.value.body) == (400, True)
    for more, said in (
        ({"safe_prompt": True}, "safe_prompt is not known"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction is not known"),
    ):
        with pytest.raises(SDKError, match=said):
            await client.chat.complete_async(model="auto", messages=[USER], **more)  # type: ignore[arg-type, list-item]  plain dictionaries
    async with Mistral(api_key="wrong", server_url=node.url) as sdk:
        with pytest.raises(SDKError, match="not known") as caught:
            await sdk.chat.stream_async(model="auto", messages=[USER])  # type: ignore[list-item]  plain dictionaries
    assert caught.value.status_code == 401


async def test_models(client: Mistral) -> None:
    models = await client.models.list_async()
    assert models.data
    assert models.data[0].id == "hansa-coder-135m"


async def test_wrong_key(node: Running) -> None:
    async with Mistral(api_key="wrong", server_url=node.url) as sdk:
        with pytest.raises(SDKError, match="not known"):
            await sdk.fim.complete_async(model="auto", prompt="x")
