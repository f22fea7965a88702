"""Amazon Bedrock: what it is asked and how that is signed, what comes back, how it fails."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import msgspec
import pytest

from hansa.core.errors import ConfigError, EngineError, EngineUnavailable, Unsupported, UserError
from hansa.engines.bedrock import bedrock, credentials
from hansa.engines.converse import converse_body
from hansa.engines.hosted import Hosted
from hansa.engines.sigv4 import Credentials, Signer
from hansa.wire.requests import Message, Sampling, Usage
from hansa.wire.tools import Tool, ToolCall, ToolChoice
from support.eventstream import event, frame
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

MODEL = "anthropic.claude-3-5-sonnet-20240620-v1:0"
ARN = f"arn:aws:bedrock:eu-west-3::foundation-model/{MODEL}"
SIGNING = '{"access_key_id": "AKIDEXAMPLE",\n "secret_access_key": "s", "session_token": "t"}'
USED = {
    "inputTokens": 5,
    "outputTokens": 7,
    "totalTokens": 46,
    "cacheReadInputTokens": 30,
    "cacheWriteInputTokens": 4,
}


def grow(index: int, **delta: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=delta)


def begin_call(index: int, call: str, name: str) -> bytes:
    start = {"toolUse": {"toolUseId": call, "name": name}}
    return event("contentBlockStart", contentBlockIndex=index, start=start)


def close(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def end(reason: str) -> bytes:
    stopped = event("messageStop", stopReason=reason)
    return stopped + event("metadata", usage=USED, metrics={"latencyMs": 9})


def exception(name: str) -> bytes:
    said = b'{"message":"Too busy"}'
    return frame(said, exception_type=name, message_type="exception")


BEGIN = event("messageStart", role="assistant")
HELLO = BEGIN + grow(0, text="Hello, ") + event("new") + grow(0, text="wörld") + close(0)
CALLS = (
    BEGIN
    + grow(0, reasoningContent={"text": "hm"})
    + grow(0, reasoningContent={"signature": "c2ln"})
    + close(0)
    + begin_call(1, "t1", "f")
    + grow(1, toolUse={"input": '{"a":'})
    + grow(1, toolUse={"input": "1}"})
    + close(1)
    + begin_call(2, "t2", "g")
    + close(2)
    + end("tool_use")
)
BROKEN = bytearray(grow(0, text="x"))
BROKEN[-1] ^= 1


def asking(
    provider: Provider, model: str = MODEL, secret: str = "key"
) -> AbstractAsyncContextManager[Hosted]:
    return started(provider, lambda url: bedrock(name="r1", url=url, model=model, secret=secret))


@pytest.mark.parametrize("write_bytes", [0, 1, 7])
async def test_text_and_usage_however_the_bytes_come(write_bytes: int) -> None:
    async with asking(Provider(HELLO + end("end_turn"), write_bytes=write_bytes)) as engine:
        await says(engine)


@pytest.mark.parametrize("write_bytes", [0, 1])
async def test_thoughts_and_calls(write_bytes: int) -> None:
    async with asking(Provider(CALLS, write_bytes=write_bytes)) as engine:
        await thinks_and_calls(engine)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_tokens", "length"), ("guardrail_intervened", "content_filter"), ("new", "stop")],
)
async def test_why_it_stopped(reason: str, finish: str) -> None:
    async with asking(Provider(HELLO + end(reason))) as engine:
        assert (await read(engine))[-1].finish == finish


async def test_without_a_count_it_is_estimated() -> None:
    async with asking(Provider(HELLO + event("messageStop", stopReason="end_turn"))) as engine:
        assert (await read(engine))[-1].usage == Usage(1, 4)


async def test_a_key_is_sent() -> None:
    provider = Provider(HELLO + end("end_turn"))
    async with asking(provider) as engine:
        await read(engine)
    [body], [head] = provider.seen, provider.heads
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {"maxTokens": 16, "temperature": 0.0},
    }
    path = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse-stream"
    assert head.startswith(f"POST {path} HTTP/1.1\r\n")
    assert "authorization: Bearer key\r\n" in head


async def test_credentials_sign() -> None:
    provider = Provider(HELLO + end("end_turn"))
    async with asking(provider, ARN, SIGNING) as engine:
        await read(engine)
    lines = provider.heads[0].split("\r\n")
    head = dict(line.split(": ", 1) for line in lines[1:] if line)
    path = lines[0].split(" ")[1]
    assert "%2F" in path
    at = datetime.strptime(head["x-amz-date"], "%Y%m%dT%H%M%S%z")
    signer = Signer(Credentials("AKIDEXAMPLE", "s", "t"), "eu-west-3", "bedrock")
    sent = [(name, head[name]) for name in ("content-type", "host")]
    body = msgspec.json.encode(converse_body(CHAT))
    assert signer.headers("POST", path, sent, body, round(at.timestamp() * 1000)) == [
        (name, head[name]) for name in ("x-amz-date", "x-amz-security-token", "authorization")
    ]


def test_turns_system_and_results() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "a"),
        Message("assistant", "hm", (ToolCall("c1", "f", '{"x":1}'),)),
        Message("user", "and?"),
        Message("tool", "42", tool_call="c1"),
        Message("tool", "", tool_call="c2"),
    )
    body = converse_body(msgspec.structs.replace(CHAT, messages=messages))
    assert body["system"] == [{"text": "Be brief."}]
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "a"}]},
        {
            "role": "assistant",
            "content": [
                {"text": "hm"},
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"x": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "42"}]}},
                {"toolResult": {"toolUseId": "c2", "content": []}},
                {"text": "and?"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(), None),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("named", "f"), {"tool": {"name": "f"}}),
    ],
)
def test_tools(choice: ToolChoice, sent: dict[str, Any] | None) -> None:
    tools = (Tool("f", "does", {"type": "object", "title": "F"}), Tool("g"))
    request = msgspec.structs.replace(CHAT, tools=tools, tool_choice=choice)
    config = converse_body(request)["toolConfig"]
    assert [each["toolSpec"] for each in config["tools"]] == [
        {
            "name": "f",
            "description": "does",
            "inputSchema": {"json": {"type": "object", "title": "F"}},
        },
        {"name": "g", "inputSchema": {"json": {"type": "object"}}},
    ]
    assert config.get("toolChoice") == sent


def test_no_tool_may_be_called() -> None:
    request = msgspec.structs.replace(CHAT, tools=(Tool("f"),), tool_choice=ToolChoice("none"))
    assert "toolConfig" not in converse_body(request)
    called = (*CHAT.messages, Message("assistant", "", (ToolCall("c1", "f"),)))
    with pytest.raises(Unsupported, match="tool_choice"):
        converse_body(msgspec.structs.replace(request, messages=called))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"tools": (Tool("f"),), "tool_choice": ToolChoice(parallel=False)}, "parallel_tool_calls"),
        ({"tools": (Tool("f", strict=True),)}, "strict"),
    ],
)
async def test_what_it_has_no_field_for(changes: dict[str, Any], named: str) -> None:
    provider = Provider(HELLO)
    async with asking(provider) as engine:
        with pytest.raises(Unsupported, match=named):
            await anext(engine.stream(msgspec.structs.replace(CHAT, **changes)))
    assert provider.seen == []


def test_sampling() -> None:
    sampling = Sampling(8, 0.5, 0.9, stop=("x",))
    assert converse_body(msgspec.structs.replace(CHAT, sampling=sampling))["inferenceConfig"] == {
        "maxTokens": 8,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["x"],
    }
    body = converse_body(CHAT, fixed_sampling=True)
    assert body["inferenceConfig"] == {"maxTokens": 16}


@pytest.mark.parametrize(
    ("provider", "kind", "said"),
    [
        (Provider(b'{"message":"slow down"}', "429 Busy"), EngineUnavailable, "slow down"),
        (Provider(b'{"message":"expired"}', "403 No"), EngineError, "api_key_file"),
        (Provider(b'{"message":"Input is too long"}', "400 Bad"), UserError, "not fit"),
        (
            Provider(BEGIN + exception("throttlingException"), holds=True),
            EngineUnavailable,
            "busy",
        ),
        (Provider(exception("validationException"), holds=True), EngineError, "validation"),
        (
            Provider(frame(b"", error_code="x1", error_message="gone", message_type="error")),
            EngineUnavailable,
            "x1: gone",
        ),
        (Provider(BEGIN), EngineUnavailable, "without a last"),
        (Provider(BEGIN, breaks=True), EngineError, "broke off"),
        (Provider(b"data: {}\n\nand more"), EngineError, "prelude"),
        (Provider(frame(b"{nonsense", event_type="metadata")), EngineError, "is none"),
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
        (Provider(HELLO + exception("throttlingException"), holds=True), "busy"),
        (Provider(HELLO), "without a last"),
        (Provider(HELLO + grow(0, text="never whole")[:-9]), "without a last"),
        (Provider(HELLO, breaks=True), "broke off"),
        (Provider(HELLO + bytes(BROKEN), holds=True), "checksum"),
    ],
)
async def test_a_fault_after_it_comes_after_what_was_said(provider: Provider, said: str) -> None:
    async with asking(provider) as engine:
        await fails_after(engine, said)


async def test_a_reader_that_leaves_is_seen_to_leave() -> None:
    provider = Provider(HELLO, holds=True)
    async with asking(provider) as engine:
        await is_left(engine, provider)


@pytest.mark.parametrize(
    ("url", "model", "host", "region"),
    [
        ("https://bedrock-runtime.eu-central-1.amazonaws.com", MODEL, "eu-central-1", ""),
        ("https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", MODEL, "us-east-1", ""),
        ("", ARN, "bedrock-runtime.eu-west-3.amazonaws.com", "eu-west-3"),
    ],
)
def test_where_it_is(url: str, model: str, host: str, region: str) -> None:
    engine = bedrock(name="r1", url=url, model=model, secret=SIGNING)
    assert host in engine._http.origin.host
    assert engine._speech._signer.region == (region or host)  # type: ignore[attr-defined]  it is Bedrock's


@pytest.mark.parametrize(
    ("url", "model", "secret", "said"),
    [
        ("", MODEL, "key", "url is empty"),
        ("http://127.0.0.1:9", MODEL, SIGNING, "does not name an AWS region"),
        ("", ARN, "", "needs a key"),
        ("", ARN, "two\nlines", "needs a key"),
        ("", ARN, '{"access_key_id": "a"}', "secret_access_key"),
        ("", ARN, '{"access_key_id": "", "secret_access_key": "hush"}', "empty"),
        ("", ARN, '{"access_key_id": "a", "secret_access_key": "hush", "x": 1}', "unknown"),
    ],
)
def test_what_cannot_be(url: str, model: str, secret: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        bedrock(name="r1", url=url, model=model, secret=secret)
    assert "hush" not in str(caught.value)


def test_credentials_are_read() -> None:
    assert credentials("r1", SIGNING) == Credentials("AKIDEXAMPLE", "s", "t")
    assert credentials("r1", "key\n") == "key"
