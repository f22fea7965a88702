"""The official SDKs, unchanged, through a node to an engine over HTTP: what goes beyond text."""

import asyncio
import json
from collections.abc import AsyncGenerator

import aiohttp
import anthropic
import openai
import pytest

from hansa.engines.stand_in import StandIn
from support.nodes import Running
from support.waiting import until

MODEL = "hansa-coder-135m"
USER = {"role": "user", "content": "Weather in Kiel?"}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {
    "tool_calls": [
        {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": '{"city":"Kiel"}'}}
    ]
}


@pytest.fixture
async def oai(fronting: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    await ready(fronting)
    url = f"{fronting.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def claude(fronting: Running) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    await ready(fronting)
    async with anthropic.AsyncAnthropic(
        base_url=fronting.url, api_key=fronting.key, max_retries=0
    ) as sdk:
        yield sdk


async def ready(up: Running) -> None:
    engines = [each.engine for each in up.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))


async def test_a_tool_is_called_and_answered(oai: openai.AsyncOpenAI, stand_in: StandIn) -> None:
    stand_in.pieces, stand_in.extra = ("",), CALL
    function = {"name": "weather", "description": "now", "parameters": WEATHER}
    tools = [{"type": "function", "function": function}]
    reply = await oai.chat.completions.create(
        model=MODEL, messages=[USER], tools=tools, tool_choice="required"  # type: ignore[arg-type, list-item]  plain dictionaries
    )  # fmt: skip
    [call] = reply.choices[0].message.tool_calls or []
    assert (call.id, call.function.name) == ("c1", "weather")  # type: ignore[union-attr]  it is a function's
    assert reply.choices[0].finish_reason == "tool_calls"
    assert reply.choices[0].message.content is None
    assert (stand_in.seen[-1]["tools"], stand_in.seen[-1]["tool_choice"]) == (tools, "required")
    stand_in.pieces, stand_in.extra = ("Sunny",), {}
    answered = [
        USER,
        reply.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": "c1", "content": "21 C"},
    ]
    last = await oai.chat.completions.create(model=MODEL, messages=answered, tools=tools)  # type: ignore[arg-type]  plain dictionaries
    assert last.choices[0].message.content == "Sunny"
    assert stand_in.seen[-1]["messages"][2]["tool_call_id"] == "c1"


async def test_a_tool_call_is_streamed(oai: openai.AsyncOpenAI, stand_in: StandIn) -> None:
    stand_in.pieces, stand_in.extra = ("",), CALL
    tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
    stream = await oai.chat.completions.create(
        model=MODEL, messages=[USER], tools=tools, stream=True  # type: ignore[arg-type, list-item]  plain dictionaries
    )  # fmt: skip
    chunks = [chunk async for chunk in stream]
    [delta] = [call for c in chunks for call in c.choices[0].delta.tool_calls or []]
    assert delta.function
    assert json.loads(delta.function.arguments or "") == {"city": "Kiel"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_structured_output_and_choices(oai: openai.AsyncOpenAI, stand_in: StandIn) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": WEATHER}}
    reply = await oai.chat.completions.create(
        model=MODEL, messages=[USER], response_format=form, n=2, seed=1, temperature=0.5  # type: ignore[arg-type, list-item]  plain dictionaries
    )  # fmt: skip
    assert [each.message.content for each in reply.choices] == ["Hello, world"] * 2
    assert [each.index for each in reply.choices] == [0, 1]
    assert stand_in.seen[-1]["response_format"] == form
    assert reply.usage
    assert reply.usage.completion_tokens == 6


async def test_embeddings(oai: openai.AsyncOpenAI) -> None:
    reply = await oai.embeddings.create(model=MODEL, input=["a", "b"])
    assert [each.embedding for each in reply.data] == [[0.0, 0.5], [1.0, 0.5]]
    assert reply.usage.prompt_tokens == 6


async def test_responses(oai: openai.AsyncOpenAI) -> None:
    reply = await oai.responses.create(model=MODEL, input="hi", instructions="Be brief")
    assert reply.output_text == "Hello, world"
    assert reply.status == "completed"
    assert reply.usage
    assert reply.usage.output_tokens == 3


async def test_responses_streamed(oai: openai.AsyncOpenAI) -> None:
    async with oai.responses.stream(model=MODEL, input="hi") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == "Hello, world"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


async def test_responses_call_tools(oai: openai.AsyncOpenAI, stand_in: StandIn) -> None:
    stand_in.pieces, stand_in.extra = ("",), CALL
    tool = {"type": "function", "name": "weather", "parameters": WEATHER}
    reply = await oai.responses.create(model=MODEL, input="hi", tools=[tool])  # type: ignore[list-item]  a plain dictionary
    [call] = reply.output
    assert (call.type, call.name, call.call_id) == ("function_call", "weather", "c1")  # type: ignore[union-attr]  it is one


async def test_messages(claude: anthropic.AsyncAnthropic, stand_in: StandIn) -> None:
    reply = await claude.messages.create(
        model=MODEL, max_tokens=16, system="Be brief", messages=[{"role": "user", "content": "hi"}]
    )
    assert [block.text for block in reply.content if block.type == "text"] == ["Hello, world"]
    assert (reply.stop_reason, reply.usage.output_tokens) == ("end_turn", 3)
    assert stand_in.seen[-1]["messages"][0] == {"role": "system", "content": "Be brief"}


async def test_messages_streamed_with_a_tool(
    claude: anthropic.AsyncAnthropic, stand_in: StandIn
) -> None:
    stand_in.pieces, stand_in.extra = ("Let me see",), CALL
    async with claude.messages.stream(
        model=MODEL,
        max_tokens=16,
        messages=[{"role": "user", "content": "Weather in Kiel?"}],
        tools=[{"name": "weather", "input_schema": WEATHER}],
        tool_choice={"type": "tool", "name": "weather"},
    ) as stream:
        final = await stream.get_final_message()
    text, call = final.content
    assert text.type == "text"
    assert text.text == "Let me see"
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("weather", {"city": "Kiel"})
    assert final.stop_reason == "tool_use"
    named = {"type": "function", "function": {"name": "weather"}}
    assert stand_in.seen[-1]["tool_choice"] == named


async def test_tokens_of_messages_are_counted(claude: anthropic.AsyncAnthropic) -> None:
    messages = [{"role": "user", "content": "x" * 300}]
    count = await claude.messages.count_tokens(model=MODEL, messages=messages)  # type: ignore[arg-type]  plain dictionaries
    assert count.input_tokens == 100


async def test_errors_are_anthropics(claude: anthropic.AsyncAnthropic, fronting: Running) -> None:
    with pytest.raises(anthropic.NotFoundError, match="no member offers"):
        await claude.messages.create(
            model="claude-99", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        )
    async with anthropic.AsyncAnthropic(base_url=fronting.url, api_key="wrong") as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            await stranger.messages.count_tokens(
                model=MODEL, messages=[{"role": "user", "content": "x"}]
            )


async def test_a_suffix_is_written_in_the_models_own_sentinels(
    oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    await oai.completions.create(model=MODEL, prompt="x<issue_start>", suffix="y")
    assert stand_in.seen[-1]["prompt"] == "<issue_start>y<issue_comment>x< issue_start>"
    assert "suffix" not in stand_in.seen[-1]


async def test_a_client_that_leaves_stops_the_engine_and_is_metered(
    oai: openai.AsyncOpenAI, fronting: Running, stand_in: StandIn
) -> None:
    stand_in.pieces, stand_in.write_bytes, stand_in.pause_s = ("x",) * 500, 300, 0.02
    stream = await oai.completions.create(model=MODEL, prompt="x", max_tokens=500, stream=True)
    await anext(aiter(stream))
    loop = asyncio.get_running_loop()
    left_s = loop.time()
    await stream.close()
    await until(lambda: stand_in.open == 0)
    assert loop.time() - left_s < 5
    await fronting.node.answering.close()
    [entry] = await fronting.node.ledger.entries()
    assert entry.receipt.finish == "cancelled"
    assert 0 < entry.receipt.completion_tokens < 500


async def test_a_fault_in_the_middle_is_an_error_event(
    oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    stand_in.fault, stand_in.write_bytes = "error_event", 60
    stream = await oai.completions.create(model=MODEL, prompt="x", stream=True)
    with pytest.raises(openai.APIError, match="out of memory"):
        [chunk async for chunk in stream]


async def test_an_engine_that_is_full_says_when_to_come_back(
    oai: openai.AsyncOpenAI, stand_in: StandIn
) -> None:
    stand_in.fault = "refuse"
    with pytest.raises(openai.InternalServerError) as caught:
        await oai.completions.create(model=MODEL, prompt="x")
    assert caught.value.response.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) >= 7


async def test_what_fits_no_context_is_the_callers_to_shorten(
    oai: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, fronting: Running
) -> None:
    text = "word " * 40_000
    with pytest.raises(openai.BadRequestError, match="send less") as caught:
        await oai.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "context")
    with pytest.raises(anthropic.BadRequestError, match="do not fit its context") as refused:
        await claude.messages.create(
            model=MODEL, max_tokens=8, messages=[{"role": "user", "content": text}]
        )
    assert refused.value.type == "invalid_request_error"
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {fronting.key}"}) as http:
        body = {"model": MODEL, "prompt": text}
        async with http.post(f"{fronting.url}/v1/fim/completions", json=body) as reply:
            assert (reply.status, (await reply.json())["code"]) == (400, "context_length_exceeded")
