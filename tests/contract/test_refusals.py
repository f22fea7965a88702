"""Nothing inside a body is dropped in silence: what is not done is refused, and said where."""

from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from hansa.engines.stand_in import StandIn
from support.nodes import Running
from support.waiting import until

MODEL = "hansa-coder-135m"
USER: dict[str, Any] = {"role": "user", "content": "x"}
FUNCTION: dict[str, Any] = {"name": "f", "parameters": {"type": "object"}}
CALL: dict[str, Any] = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(**fields: Any) -> dict[str, Any]:
    return {"messages": [USER], **fields}


def said(message: dict[str, Any]) -> dict[str, Any]:
    return chat(messages=[USER, message])


def tool(**fields: Any) -> dict[str, Any]:
    return chat(tools=[{"type": "function", "function": {**FUNCTION, **fields}}])


CHAT: list[tuple[dict[str, Any], str]] = [
    (said({**USER, "foo": 1}), "messages[1].foo is not known"),
    (said({**USER, "name": "Ann"}), "messages[1].name is not supported"),
    (said({**USER, "tool_calls": [CALL]}), "messages[1].tool_calls is not known"),
    (said({**USER, "tool_call_id": "c"}), "messages[1].tool_call_id is not known"),
    (said({"role": "system", "content": "x", "name": "Ann"}), "messages[1].name is not supp"),
    (said({"role": "function", "name": "f", "content": "x"}), "messages[1].role 'function' is"),
    (said({"role": "tool", "content": "x"}), "needs its tool_call_id"),
    (said({"role": "assistant", "audio": {"id": "a"}}), "messages[1].audio is not supported"),
    (said({"role": "assistant", "function_call": {"name": "f", "arguments": ""}}),
     "messages[1].function_call is not supported"),
    (said({"role": "assistant", "tool_calls": [{**CALL, "type": "custom"}]}),
     "messages[1].tool_calls[0].type 'custom' is not supported"),
    (said({"role": "assistant", "tool_calls": [{**CALL, "x": 1}]}), "tool_calls[0].x is not known"),
    (said({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
     "messages[1].content[0].type 'image_url' is not supported"),
    (said({"role": "user", "content": [{"type": "text", "text": "x", "audio": 1}]}),
     "messages[1].content[0].audio is not known"),
    (said({"role": "user", "content": [{"type": "refusal", "refusal": "x"}]}),
     "messages[1].content[0].type 'refusal' is not supported"),
    (tool(foo=1), "tools[0].function.foo is not known"),
    (chat(tools=[{"type": "custom", "custom": {"name": "f"}}]), "tools[0].type 'custom' is not"),
    (chat(tools=[{"type": "function", "function": FUNCTION, "x": 1}]), "tools[0].x is not known"),
    (chat(tool_choice="some"), "tool_choice 'some' is not supported"),
    (chat(tool_choice="required"), "there are no tools"),
    (chat(tool_choice={"type": "function", "function": {"name": "g"}}), "names 'g'"),
    (chat(tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
     "tool_choice.type 'allowed_tools' is not supported"),
    (chat(response_format={"type": "grammar"}), "response_format.type 'grammar' is not supported"),
    (chat(response_format={"type": "json_schema"}), "has a json_schema"),
    (chat(response_format={"type": "text", "json_schema": {"name": "a"}}), "has a json_schema"),
    (chat(response_format={"type": "json_schema", "json_schema": {"name": "a", "x": 1}}),
     "response_format.json_schema.x is not known"),
    (chat(stream_options={"include_obfuscation": True}), "include_obfuscation is not supported"),
    (chat(stream_options={"x": 1}), "stream_options.x is not known"),
    (chat(hansa={"snippets": [{"path": "a", "start_line": 1, "end_line": 1, "text": "", "x": 1}]}),
     "hansa.snippets[0].x is not known"),
    (chat(logit_bias={"1": 2}), "logit_bias is not known"),
]  # fmt: skip


def given(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"input": [USER, *items], **fields}


RESPONSES: list[tuple[dict[str, Any], str]] = [
    (given({**USER, "foo": 1}), "input[1].foo is not known"),
    (given({"content": "x"}), "input[1].role is missing"),
    (given({**USER, "output": "x"}), "input[1].output is not a field of a message"),
    (given({"type": "function_call", "call_id": "c", "name": "f"}), "input[1].arguments is miss"),
    (given({"type": "function_call_output", "output": "x"}), "input[1].call_id is missing"),
    (given({"type": "item_reference", "id": "x"}), "input[1].type 'item_reference' is not"),
    (given({"type": "reasoning", "id": "x", "summary": []}), "input[1].type 'reasoning' is not"),
    (given({"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}),
     "input[1].content[0].type 'input_image' is not supported"),
    (given({"role": "user", "content": [{"type": "input_text", "text": "x", "y": 1}]}),
     "input[1].content[0].y is not known"),
    (given({"type": "function_call", "call_id": "c", "name": "f", "arguments": "",
            "namespace": "n"}), "input[1].namespace is not supported"),
    (given(tools=[{"type": "web_search"}]), "tools[0].type 'web_search' is not supported"),
    (given(tools=[{"type": "function", "name": "f", "x": 1}]), "tools[0].x is not known"),
    (given(tools=[{"type": "function", "name": "f", "defer_loading": True}]), "defer_loading of"),
    (given(tools=[{"type": "function", "name": "f", "output_schema": {}}]),
     "tools[0].output_schema is not supported"),
    (given(tool_choice="required"), "there are no tools"),
    (given(tool_choice={"type": "web_search_preview"}), "tool_choice.type 'web_search_preview'"),
    (given(previous_response_id="resp_1"), "previous_response_id is not supported"),
    (given(conversation={"id": "c"}), "conversation is not supported"),
    (given(reasoning={"effort": "low"}), "reasoning is not supported"),
    (given(truncation="auto"), "truncation 'auto' is not supported"),
    (given(background=True), "background"),
    (given(text={"verbosity": "low"}), "text.verbosity is not supported"),
    (given(text={"format": {"type": "text", "schema": {"a": 1}}}), "has no schema"),
    (given(text={"format": {"type": "json_schema", "x": 1}}), "text.format.x is not known"),
]  # fmt: skip


def block(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, fields]}]}


def offered(**fields: Any) -> dict[str, Any]:
    return {"messages": [USER], "tools": [{"name": "f", "input_schema": {}, **fields}]}


MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"messages": [{**USER, "foo": 1}]}, "messages[0].foo is not known"),
    (block(type="text", text="x", foo=1), "messages[0].content[1].foo is not known"),
    (block(type="image", source={}), "messages[0].content[1].type 'image' is not supported"),
    (block(type="document", source={}), "messages[0].content[1].type 'document' is not supp"),
    (block(type="tool_use", id="c", name="f", input={}), "content[1].type 'tool_use' is not"),
    (block(type="tool_result", tool_use_id="c", content=[{"type": "image", "source": {}}]),
     "messages[0].content[1].content[0].type 'image' is not supported"),
    ({"messages": [{"role": "assistant", "content": [
        {"type": "tool_use", "id": "c", "name": "f", "input": {}, "toolset_name": "t"}]}]},
     "messages[0].content[0].toolset_name is not supported"),
    ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f",
        "input": {}, "caller": {"type": "code_execution_20250825", "tool_id": "t"}}]}]},
     "content[0].caller.type 'code_execution_20250825' is not supported"),
    ({"messages": [USER], "system": [{"type": "text", "text": "x", "foo": 1}]},
     "system[0].foo is not known"),
    (offered(foo=1), "tools[0].foo is not known"),
    (offered(type="bash_20250124"), "tools[0].type 'bash_20250124' is not supported"),
    (offered(input_examples=[{}]), "tools[0].input_examples is not supported"),
    (offered(defer_loading=True), "defer_loading of the tool 'f' is not supported"),
    (offered(allowed_callers=["programmatic"]), "tools[0].allowed_callers[0] 'programmatic'"),
    (offered() | {"tool_choice": {"type": "auto", "name": "f"}}, "tool_choice.name is not known"),
    (offered() | {"tool_choice": {"type": "tool", "name": "g"}}, "names 'g'"),
    ({"messages": [USER], "tool_choice": {"type": "any"}}, "there are no tools"),
    ({"messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 1024}},
     "thinking.type 'enabled' is not supported"),
    ({"messages": [USER], "thinking": {"budget_tokens": 1024, "type": "enabled"}},
     "thinking.budget_tokens is not supported"),
    ({"messages": [USER], "thinking": {"type": "adaptive"}}, "thinking.type 'adaptive' is not"),
]  # fmt: skip


async def test_openais_chat(fronting: Running) -> None:
    url = f"{fronting.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        for body, where in CHAT:
            with pytest.raises(openai.BadRequestError) as caught:
                await sdk.post("/chat/completions", cast_to=object, body={"model": MODEL, **body})
            assert where in caught.value.message, body


async def test_openais_responses(fronting: Running) -> None:
    url = f"{fronting.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        for body, where in RESPONSES:
            with pytest.raises(openai.BadRequestError) as caught:
                await sdk.post("/responses", cast_to=object, body={"model": MODEL, **body})
            assert where in caught.value.message, body


async def test_anthropics_messages(fronting: Running) -> None:
    async with anthropic.AsyncAnthropic(
        base_url=fronting.url, api_key=fronting.key, max_retries=0
    ) as sdk:
        for body, where in MESSAGES:
            whole = {"model": MODEL, "max_tokens": 1, **body}
            with pytest.raises(anthropic.BadRequestError) as caught:
                await sdk.post("/v1/messages", cast_to=object, body=whole)
            assert where in caught.value.message, body


async def test_what_changes_nothing_is_taken(fronting: Running) -> None:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    system = {"role": "system", "content": "x"}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("chat/completions", said({"role": "user", "content": "x", "name": None})),
        ("chat/completions", chat(stream_options={"include_obfuscation": False})),
        ("chat/completions", chat(tool_choice="none", parallel_tool_calls=True)),
        ("responses", given({**USER, "id": None, "status": "completed"}, text={"format": None})),
        ("responses", given(truncation="disabled", background=False, previous_response_id=None)),
        ("responses", given(tools=[{"type": "function", "name": "f", "strict": None,
                                    "parameters": {}, "allowed_callers": ["direct"]}])),
        ("messages", block(type="text", text="x", citations=None, **cached)),
        ("messages", offered(strict=False, description="", defer_loading=False) | cached),
        ("messages", {"messages": [USER, system, USER], "thinking": {"type": "disabled"}}),
    ]  # fmt: skip
    headers = {"authorization": f"Bearer {fronting.key}"}
    async with aiohttp.ClientSession(f"{fronting.url}/v1/", headers=headers) as session:
        for path, body in bodies:
            limit = {"max_tokens": 1} if path == "messages" else {}
            async with session.post(path, json={"model": MODEL, **limit, **body}) as reply:
                assert reply.status == 200, (body, await reply.text())


async def test_a_schemas_description_reaches_the_engine(
    fronting: Running, stand_in: StandIn
) -> None:
    engines = [each.engine for each in fronting.node.fleet.local.values()]
    await until(lambda: all(engine.state() == "ready" for engine in engines))
    schema = {"name": "w", "schema": {"type": "object"}, "strict": True, "description": "weather"}
    form: Any = {"type": "json_schema", **schema}
    url = f"{fronting.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        await sdk.responses.create(model=MODEL, input="x", text={"format": form})
        assert stand_in.seen[-1]["response_format"]["json_schema"] == schema
        form = {"type": "json_schema", "json_schema": schema}
        messages: Any = [USER]
        await sdk.chat.completions.create(model=MODEL, messages=messages, response_format=form)
        assert stand_in.seen[-1]["response_format"] == form


async def test_a_compressed_body_is_refused_as_such(fronting: Running) -> None:
    headers = {"authorization": f"Bearer {fronting.key}"}
    async with aiohttp.ClientSession(f"{fronting.url}/v1/", headers=headers) as session:
        body = {"model": MODEL, **chat()}
        async with session.post("chat/completions", json=body, compress="gzip") as reply:
            assert reply.status == 400
            assert "the content-encoding 'gzip'" in (await reply.json())["error"]["message"]
            assert "send it as it is" in (await reply.json())["error"]["message"]


async def test_hansas_own_dialect(fronting: Running) -> None:
    own: dict[str, Any] = {"id": "r", "task": "chat", "messages": [USER]}
    headers = {"authorization": f"Bearer {fronting.key}"}
    async with aiohttp.ClientSession(f"{fronting.url}/hansa/v1/", headers=headers) as session:
        for body, where in (
            (own | {"foo": 1}, "foo is not known"),
            (own | {"policy": {"residence": ["eu"]}}, "policy.residence is not known"),
        ):
            for path in ("answer", "route/explain"):
                async with session.post(path, json=body) as reply:
                    assert reply.status == 400
                    assert where in (await reply.json())["error"]["message"]


async def test_the_field_that_is_wrong_is_named_where_sdks_look(fronting: Running) -> None:
    url = f"{fronting.url}/v1"
    bodies: list[tuple[dict[str, Any], str]] = [
        (said({**USER, "foo": 1}), "messages[1].foo"),
        (chat(temperature="hot"), "temperature"),
        ({}, "messages"),
        (chat(foo=1), "foo"),
    ]
    async with openai.AsyncOpenAI(base_url=url, api_key=fronting.key, max_retries=0) as sdk:
        for body, field in bodies:
            with pytest.raises(openai.BadRequestError) as caught:
                await sdk.post("/chat/completions", cast_to=object, body={"model": MODEL, **body})
            assert caught.value.param == field, body
