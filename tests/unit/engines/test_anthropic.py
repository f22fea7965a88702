"""Anthropic's API: what it is asked, what comes back, how it fails."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest

from hansa.core.errors import ConfigError, EngineError, EngineUnavailable, Unsupported, UserError
from hansa.engines.anthropic import anthropic, messages_body
from hansa.engines.hosted import Hosted
from hansa.wire.requests import Message, Sampling, Usage
from hansa.wire.sse import encode_event
from hansa.wire.tools import Tool, ToolCall, ToolChoice
from support.hosted import (
    CHAT,
    fails_after,
    fails_before,
    is_left,
    read,
    says,
    started,
    thinks_and_calls,
)
from support.provider import Provider
from support.waiting import until

USED = {"input_tokens": 5, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}


def event(kind: str, **fields: Any) -> bytes:
    return encode_event(msgspec.json.encode({"type": kind, **fields}), kind)


def start(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def grow(index: int, **delta: Any) -> bytes:
    return event("content_block_delta", index=index, delta=delta)


def end(reason: str, tokens: int = 7) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    ended = event("message_delta", delta=delta, usage={"output_tokens": tokens})
    return ended + event("message_stop")


BEGIN = event("message_start", message={"usage": {**USED, "output_tokens": 1}})
HELLO = (
    BEGIN
    + event("ping")
    + start(0, type="text", text="")
    + grow(0, type="text_delta", text="Hello, ")
    + event("a_kind_of_event_that_is_new")
    + grow(0, type="text_delta", text="wörld")
    + event("content_block_stop", index=0)
)
CALLS = (
    BEGIN
    + start(0, type="thinking", thinking="")
    + grow(0, type="thinking_delta", thinking="hm")
    + grow(0, type="signature_delta", signature="c2ln")
    + event("content_block_stop", index=0)
    + start(1, type="tool_use", id="t1", name="f", input={})
    + grow(1, type="input_json_delta", partial_json="")
    + grow(1, type="input_json_delta", partial_json='{"a":')
    + grow(1, type="input_json_delta", partial_json="1}")
    + event("content_block_stop", index=1)
    + start(2, type="tool_use", id="t2", name="g", input={})
    + event("content_block_stop", index=2)
    + end("tool_use")
)
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def asking(provider: Provider) -> AbstractAsyncContextManager[Hosted]:
    return started(
        provider, lambda url: anthropic(name="r1", url=url, model="claude", api_key="secret")
    )


@pytest.mark.parametrize("write_bytes", [0, 1, 7])
async def test_text_and_usage_however_the_bytes_come(write_bytes: int) -> None:
    async with asking(Provider(HELLO + end("end_turn"), write_bytes=write_bytes)) as engine:
        await says(engine)


async def test_text_that_arrives_together_is_one_chunk() -> None:
    async with asking(Provider(HELLO + end("end_turn"))) as engine:
        assert len(await read(engine)) == 2


@pytest.mark.parametrize("write_bytes", [0, 1])
async def test_thoughts_and_calls(write_bytes: int) -> None:
    async with asking(Provider(CALLS, write_bytes=write_bytes)) as engine:
        await thinks_and_calls(engine)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
    ],
)
async def test_why_it_stopped(reason: str, finish: str) -> None:
    async with asking(Provider(HELLO + end(reason))) as engine:
        assert (await read(engine))[-1].finish == finish


async def test_what_is_sent() -> None:
    provider = Provider(HELLO + end("end_turn"))
    async with asking(provider) as engine:
        await read(engine)
    [body], [head] = provider.seen, provider.heads
    assert body == {
        "model": "claude",
        "max_tokens": 16,
        "temperature": 0.0,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "stream": True,
    }
    assert head.startswith("POST /v1/messages HTTP/1.1\r\n")
    assert "x-api-key: secret\r\n" in head
    assert "anthropic-version: 2023-06-01\r\n" in head


def test_turns_are_merged_and_system_texts_joined() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "a"),
        Message("user", "b"),
        Message("assistant", "", (ToolCall("c1", "f", '{"x":1}'), ToolCall("c2", "g", "{bad"))),
        Message("tool", "42", tool_call="c1"),
        Message("user", "and?"),
        Message("tool", "43", tool_call="c2"),
        Message("system", "In English."),
        Message("assistant", "So"),
    )
    body = messages_body(msgspec.structs.replace(CHAT, messages=messages), "m")
    assert body["system"] == "Be brief.\n\nIn English."
    assert body["messages"] == [
        {"role": "user", "content": [_text("a"), _text("b")]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {"_unparsed": "{bad"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "43"},
                _text("and?"),
            ],
        },
        {"role": "assistant", "content": [_text("So")]},
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(), None),
        (ToolChoice(parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "f"), {"type": "tool", "name": "f"}),
        (ToolChoice("none", parallel=False), {"type": "none"}),
    ],
)
def test_tools(choice: ToolChoice, sent: dict[str, Any] | None) -> None:
    tools = (Tool("f", "does", {"type": "object", "title": "F"}, strict=True), Tool("g"))
    request = msgspec.structs.replace(CHAT, tools=tools, tool_choice=choice)
    body = messages_body(request, "m")
    assert body["tools"] == [
        {
            "name": "f",
            "description": "does",
            "input_schema": {"type": "object", "title": "F"},
            "strict": True,
        },
        {"name": "g", "input_schema": {"type": "object"}},
    ]
    assert body.get("tool_choice") == sent


@pytest.mark.parametrize(("temperature", "top_p"), [(0.5, 0.9), (0.0, None)])
def test_sampling(temperature: float, top_p: float | None) -> None:
    sampling = Sampling(8, temperature, 0.9, stop=("x",), top_k=40)
    body = messages_body(msgspec.structs.replace(CHAT, sampling=sampling), "m")
    assert (body["temperature"], body.get("top_p")) == (temperature, top_p)
    assert (body["stop_sequences"], body["top_k"], body["max_tokens"]) == (["x"], 40, 8)


def test_sampling_that_is_fixed() -> None:
    for temperature in (0.0, 1.0):
        request = msgspec.structs.replace(CHAT, sampling=Sampling(8, temperature))
        body = messages_body(request, "m", fixed_sampling=True)
        assert not {"temperature", "top_p"} & body.keys()
    for sampling, named in ((Sampling(8, 0.5), "temperature"), (Sampling(8, top_p=0.9), "top_p")):
        with pytest.raises(Unsupported, match=named):
            messages_body(
                msgspec.structs.replace(CHAT, sampling=sampling), "m", fixed_sampling=True
            )


@pytest.mark.parametrize(
    ("provider", "kind", "said"),
    [
        (Provider(b'{"error":{"message":"Overloaded"}}', "529 Busy"), EngineUnavailable, "529"),
        (Provider(b"{}", "429 Slow", {"retry-after": "3"}), EngineUnavailable, "429"),
        (Provider(b'{"error":{"message":"no"}}', "401 No"), EngineError, "api_key_file"),
        (Provider(b'{"error":{"message":"top_k?"}}', "400 Bad"), UserError, "top_k"),
        (Provider(b'{"error":{"message":"prompt is too long"}}', "400 Bad"), UserError, "not fit"),
        (Provider(BEGIN + OVERLOADED, holds=True), EngineUnavailable, "Overloaded"),
        (Provider(BEGIN), EngineUnavailable, "without a last"),
        (Provider(BEGIN, breaks=True), EngineError, "broke off"),
        (Provider(b"data: {nonsense\n\n"), EngineError, "is none"),
        (Provider(grow(3, type="input_json_delta", partial_json="{")), EngineError, "did not open"),
    ],
)
async def test_a_fault_before_the_first_chunk(
    provider: Provider, kind: type[Exception], said: str
) -> None:
    async with asking(provider) as engine:
        await fails_before(engine, kind, said)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Provider(HELLO + OVERLOADED, holds=True), "Overloaded"),
        (Provider(HELLO), "without a last"),
        (Provider(HELLO, breaks=True), "broke off"),
        (Provider(HELLO + b"data: {nonsense\n\n", holds=True), "is none"),
        (Provider(HELLO + b"data: " + b"x" * (2 << 20), write_bytes=1 << 16), "over 1048576 bytes"),
    ],
)
async def test_a_fault_after_it_comes_after_what_was_said(provider: Provider, said: str) -> None:
    async with asking(provider) as engine:
        await fails_after(engine, said)


async def test_retry_after_is_told() -> None:
    async with asking(Provider(b"{}", "529 Busy", {"retry-after": "3"})) as engine:
        with pytest.raises(EngineUnavailable) as caught:
            await read(engine)
    assert caught.value.retry_after_s == 3


async def test_a_reader_that_leaves_is_seen_to_leave_and_metered() -> None:
    provider = Provider(HELLO, holds=True)
    async with asking(provider) as engine:
        assert (await is_left(engine, provider)).usage == Usage(39, 4, 30)


async def test_a_connection_is_used_again() -> None:
    provider = Provider(HELLO + end("end_turn"))
    async with asking(provider) as engine:
        for _ in range(3):
            await read(engine)
            await until(lambda: len(engine._http._idle) == 1)
        assert len(engine._http._open) == 1


async def test_it_is_ready_until_closed() -> None:
    engine = anthropic(name="r1", url="https://api.example/v1", model="m", api_key="k")
    assert engine.state() == "starting"
    await engine.start()
    assert engine.state() == "ready"
    await engine.close()
    assert engine.state() == "down"


def test_a_key_is_needed() -> None:
    with pytest.raises(ConfigError, match="key"):
        anthropic(name="r1", url="https://api.example", model="m", api_key="")


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
