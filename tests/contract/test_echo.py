"""An answer goes back as history, whichever way the vendor's SDK lets one send it."""

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anthropic
import openai
import pydantic
import pytest
from mistralai.client import Mistral

from hansa.engines.stand_in import StandIn
from support.nodes import Running
from support.waiting import until

MODEL = "hansa-coder-135m"
USER: Any = {"role": "user", "content": "Weather in Kiel?"}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
SAID = {
    "reasoning_content": "Let me think",
    "tool_calls": [
        {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": '{"city":"Kiel"}'}}
    ],
}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]


@pytest.fixture
async def up(fronting: Running, stand_in: StandIn) -> Running:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    stand_in.pieces, stand_in.extra = ("Let me see",), SAID
    return fronting


@pytest.fixture
async def oai(up: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    url = f"{up.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=up.key, max_retries=0) as sdk:
        yield sdk


def history(stand_in: StandIn) -> list[dict[str, Any]]:
    """The messages that the engine saw last, but for what the user said first."""
    [first, *rest] = stand_in.seen[-1]["messages"]
    assert first == USER
    return rest


CALLED = [
    {
        "role": "assistant",
        "content": "Let me see",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Kiel"}'},
            }
        ],
    },
    {"role": "tool", "content": "21 C", "tool_call_id": "c1"},
]


@pytest.mark.parametrize(
    "echo",
    [
        lambda message: message,
        lambda message: message.model_dump(),
        lambda message: message.model_dump(exclude_none=True),
        lambda message: message.to_dict(),
    ],
)
async def test_a_chats_answer(
    echo: Callable[[Any], Any], oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    reply = await oai.chat.completions.create(model=MODEL, messages=[USER], tools=TOOLS)
    message = reply.choices[0].message
    assert message.model_dump()["reasoning_content"] == "Let me think"
    result: Any = {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "21 C"}
    await oai.chat.completions.create(
        model=MODEL, messages=[USER, echo(message), result], tools=TOOLS
    )
    assert history(stand_in) == CALLED


class Weather(pydantic.BaseModel):
    """Weather now."""

    city: str


# The SDK's own warning about a type variable that it left open.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("echo", [lambda message: message, lambda message: message.model_dump()])
async def test_a_parsed_and_a_streamed_answer(
    echo: Callable[[Any], Any], oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    tools = [openai.pydantic_function_tool(Weather, name="weather")]
    parsed = await oai.chat.completions.parse(model=MODEL, messages=[USER], tools=tools)
    assert stand_in.seen[-1]["tools"][0]["function"]["strict"] is True
    async with oai.chat.completions.stream(model=MODEL, messages=[USER], tools=tools) as stream:
        streamed = await stream.get_final_completion()
    result: Any = {"role": "tool", "tool_call_id": "c1", "content": "21 C"}
    for reply in (parsed, streamed):
        messages = [USER, echo(reply.choices[0].message), result]
        await oai.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        assert history(stand_in) == CALLED
    stand_in.pieces, stand_in.extra = ('{"city":"Kiel"}',), {}
    form = await oai.chat.completions.parse(model=MODEL, messages=[USER], response_format=Weather)
    assert form.choices[0].message.parsed == Weather(city="Kiel")
    assert stand_in.seen[-1]["response_format"]["json_schema"]["strict"] is True
    messages = [USER, echo(form.choices[0].message), USER]
    await oai.chat.completions.create(model=MODEL, messages=messages)
    assert history(stand_in)[0] == {"role": "assistant", "content": '{"city":"Kiel"}'}


async def test_what_another_provider_answered(oai: openai.AsyncOpenAI, stand_in: StandIn) -> None:
    said: Any = {
        "role": "assistant", "content": None, "refusal": "I must not", "annotations": [],
        "audio": None, "function_call": None, "tool_calls": None,
    }  # fmt: skip
    part: Any = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I must not"}]}
    for each in (said, part):
        await oai.chat.completions.create(model=MODEL, messages=[USER, each, USER])
        assert history(stand_in)[0] == {"role": "assistant", "content": "I must not"}


@pytest.mark.parametrize(
    "echo",
    [
        lambda item: item,
        lambda item: item.model_dump(),
        lambda item: item.model_dump(exclude_none=True),
        lambda item: item.to_dict(),
    ],
)
async def test_a_responses_answer(
    echo: Callable[[Any], Any], oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    reply = await oai.responses.create(model=MODEL, input=[USER], tools=[tool])
    assert stand_in.seen[-1]["tools"][0]["function"]["strict"] is True
    async with oai.responses.stream(model=MODEL, input=[USER], tools=[tool]) as stream:
        streamed = await stream.get_final_response()
    result: Any = {"type": "function_call_output", "call_id": "c1", "output": "21 C"}
    for said in (reply, streamed):
        items = [USER, *map(echo, said.output), result]
        await oai.responses.create(model=MODEL, input=items, tools=[tool])
        spoken, called, answered = history(stand_in)
        assert spoken == {"role": "assistant", "content": "Let me see"}
        assert called == {**CALLED[0], "content": ""}
        assert answered == CALLED[1]


@pytest.mark.parametrize("echo", [lambda block: block, lambda block: block.model_dump()])
async def test_a_messages_answer(
    echo: Callable[[Any], Any], up: Running, stand_in: StandIn
) -> None:
    tool: Any = {
        "name": "weather", "input_schema": WEATHER, "strict": True, "type": "custom",
        "cache_control": {"type": "ephemeral"}, "eager_input_streaming": True,
    }  # fmt: skip
    system: Any = [{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}}]
    async with anthropic.AsyncAnthropic(base_url=up.url, api_key=up.key, max_retries=0) as sdk:
        asked: Any = {"model": MODEL, "max_tokens": 9, "tools": [tool], "system": system}
        reply = await sdk.messages.create(messages=[USER], **asked)
        async with sdk.messages.stream(messages=[USER], **asked) as stream:
            streamed = await stream.get_final_message()
        result: Any = {
            "type": "tool_result", "tool_use_id": "c1", "is_error": False,
            "content": [{"type": "text", "text": "21 C"}], "cache_control": None,
        }  # fmt: skip
        thought: Any = {"type": "thinking", "thinking": "Hm", "signature": "x"}
        for said in (reply, streamed):
            messages: Any = [
                USER,
                {"role": "assistant", "content": [thought, *map(echo, said.content)]},
                {"role": "user", "content": [result]},
            ]
            await sdk.messages.create(messages=messages, **asked)
            stand_in.seen[-1]["messages"].pop(0)
            assert history(stand_in) == CALLED
            assert stand_in.seen[-1]["tools"][0]["function"]["strict"] is True
            assert (await sdk.messages.count_tokens(model=MODEL, messages=messages)).input_tokens


async def test_a_mistral_answer(up: Running, stand_in: StandIn) -> None:
    async with Mistral(api_key=up.key, server_url=up.url) as sdk:
        reply = await sdk.chat.complete_async(model=MODEL, messages=[USER], tools=TOOLS)
        said = reply.choices[0].message
        assert said
        [call] = said.tool_calls or []
        object_call = call.model_copy(deep=True)
        object_call.function.arguments = json.loads(str(call.function.arguments))
        for echoed in (call, object_call):
            said.tool_calls = [echoed]
            result: Any = {"role": "tool", "tool_call_id": "c1", "name": "x", "content": "21 C"}
            await sdk.chat.complete_async(model=MODEL, messages=[USER, said, result], tools=TOOLS)
            assert history(stand_in) == CALLED
