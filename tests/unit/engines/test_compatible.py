"""Engines behind OpenAI's API: what they are asked, what comes back, how they fail."""

import asyncio
import base64
import struct
from typing import Any

import msgspec
import pytest

from hansa.core.errors import EngineError, EngineUnavailable
from hansa.engines.compatible import Compatible, CompatibleConfig
from hansa.engines.kinds import COMPATIBLE
from hansa.engines.stand_in import Fault, StandIn
from hansa.wire.requests import Chunk, Message, Request, Sampling
from hansa.wire.tools import OutputForm, Tool, ToolCall, ToolChoice
from support.waiting import until

from .conftest import Asked

CHAT = Request("r", "chat", model="m", messages=(Message("user", "hi"),), sampling=Sampling(16))
FILL = Request("r", "complete", model="m", prefix="a = ", sampling=Sampling(16))


async def read(engine: Compatible, request: Request) -> list[Chunk]:
    return [chunk async for chunk in engine.stream(request)]


@pytest.mark.parametrize("kind", COMPATIBLE)
@pytest.mark.parametrize("write_bytes", [0, 1, 7])
async def test_every_kind_of_engine_is_read_however_its_bytes_come(
    kind: str, write_bytes: int, asking: Asked
) -> None:
    async with asking(StandIn(write_bytes=write_bytes), kind) as engine:
        chunks = await read(engine, CHAT)
    assert "".join(chunk.text for chunk in chunks) == "Hello, world"
    assert (chunks[-1].finish, chunks[-1].usage.completion_tokens) == ("stop", 3)  # type: ignore[union-attr]  the last chunk has usage


async def test_text_that_arrives_together_is_one_chunk(asking: Asked) -> None:
    async with asking(StandIn(pieces=("x",) * 50)) as engine:
        assert len(await read(engine, msgspec.structs.replace(CHAT, sampling=Sampling(64)))) == 2


async def test_a_connection_is_used_again(asking: Asked) -> None:
    async with asking(StandIn()) as engine:
        await until(lambda: engine.state() == "ready")
        for _ in range(3):
            await read(engine, CHAT)
            await until(lambda: len(engine._http._idle) == len(engine._http._open))
        assert len(engine._http._open) == 1


async def test_a_connection_closed_while_idle_is_replaced(asking: Asked) -> None:
    async with asking(StandIn()) as engine:
        await until(lambda: engine.state() == "ready")
        await read(engine, CHAT)
        await until(lambda: len(engine._http._idle) == 1)
        kept = engine._http._idle[0]
        kept._transport.close()  # type: ignore[union-attr]  it is connected
        assert len(await read(engine, CHAT)) == 2


BODIES: list[tuple[str, Request, dict[str, Any]]] = [
    ("vllm", CHAT, {"model": "org/m", "messages": [{"role": "user", "content": "hi"}]}),
    ("vllm", FILL, {"prompt": "a = ", "stop": ["<end>"], "max_tokens": 16}),
    ("vllm", CHAT, {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}),
    (
        "vllm",
        msgspec.structs.replace(CHAT, messages=(*CHAT.messages, Message("assistant", "so"))),
        {"continue_final_message": True, "add_generation_prompt": False},
    ),
    ("openai", CHAT, {"max_completion_tokens": 16}),
    (
        "mistral",
        msgspec.structs.replace(FILL, suffix="\nb", sampling=Sampling(16, seed=3)),
        {"prompt": "a = ", "suffix": "\nb", "random_seed": 3},
    ),
    ("ollama", msgspec.structs.replace(FILL, suffix="\nb"), {"suffix": "\nb"}),
    (
        "vllm",
        msgspec.structs.replace(
            CHAT,
            tools=(Tool("f", "does", {"type": "object"}),),
            tool_choice=ToolChoice("named", "f", parallel=False),
        ),
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "description": "does",
                        "parameters": {"type": "object"},
                    },
                }
            ],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": False,
        },
    ),
    (
        "mistral",
        msgspec.structs.replace(CHAT, tools=(Tool("f"),), tool_choice=ToolChoice("required")),
        {"tool_choice": "any"},
    ),
    (
        "vllm",
        msgspec.structs.replace(CHAT, output=OutputForm("json_schema", "a", {"type": "object"})),
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "object"}},
            }
        },
    ),
    (
        "vllm",
        msgspec.structs.replace(
            CHAT,
            messages=(
                *CHAT.messages,
                Message("assistant", "", (ToolCall("c1", "f", "{}"),)),
                Message("tool", "42", tool_call="c1"),
            ),
        ),
        {
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "content": "42", "tool_call_id": "c1"},
            ]
        },
    ),
    (
        "vllm",
        msgspec.structs.replace(
            CHAT,
            sampling=Sampling(16, 0.5, 0.9, 7, ("x",), 2, 3, 40, 0.1, 0.2),
        ),
        {
            "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["x"], "n": 2, "logprobs": True,
            "top_logprobs": 3, "top_k": 40, "presence_penalty": 0.1, "frequency_penalty": 0.2,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "request_", "sent"), BODIES)
async def test_what_an_engine_is_asked(
    kind: str, request_: Request, sent: dict[str, Any], asking: Asked
) -> None:
    stand_in = StandIn()
    async with asking(stand_in, kind) as engine:
        await read(engine, request_)
    [body] = stand_in.seen
    assert {key: body.get(key) for key in sent} == sent


async def test_an_adapter_is_asked_for_as_a_model_or_by_its_number(asking: Asked) -> None:
    tuned = msgspec.structs.replace(CHAT, model="tuned")
    stand_in = StandIn()
    async with asking(stand_in, "vllm", adapters={"tuned": "/adapters/tuned"}) as engine:
        await read(engine, tuned)
    assert stand_in.seen[-1]["model"] == "tuned"
    stand_in = StandIn()
    async with asking(stand_in, "llama-server", adapters={"tuned": "0", "other": "1"}) as engine:
        await read(engine, tuned)
    assert stand_in.seen[-1]["lora"] == [{"id": 0, "scale": 1.0}, {"id": 1, "scale": 0.0}]


async def test_an_adapter_is_loaded_once_the_engine_is_well(asking: Asked) -> None:
    stand_in = StandIn()
    async with asking(stand_in, "vllm", adapters={"tuned": "/adapters/tuned"}) as engine:
        await until(lambda: engine.state() == "ready")
    assert {"lora_name": "tuned", "lora_path": "/adapters/tuned"} in stand_in.seen


async def test_several_choices_end_one_by_one(asking: Asked) -> None:
    request = msgspec.structs.replace(CHAT, sampling=Sampling(16, choices=2))
    async with asking(StandIn(pieces=("a", "b"))) as engine:
        chunks = await read(engine, request)
    assert [(c.choice, c.text, c.ends) for c in chunks[:-1]] == [
        (0, "a", None), (0, "b", None), (0, "", "stop"),
        (1, "a", None), (1, "b", None), (1, "", "stop"),
    ]  # fmt: skip
    assert chunks[-1].finish == "stop"


async def test_pieces_of_tool_calls(asking: Asked) -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}
    async with asking(StandIn(pieces=("",), extra={"tool_calls": [call]})) as engine:
        chunks = await read(engine, CHAT)
    assert chunks[0].tool_calls[0].arguments == '{"a":1}'
    assert chunks[-1].finish == "tool_calls"


async def test_embeddings_come_packed(asking: Asked) -> None:
    request = Request("r", "embed", model="m", inputs=("a", "b"))
    async with asking(StandIn()) as engine:
        [chunk] = await read(engine, request)
    vectors = [struct.unpack("<2f", base64.b64decode(each)) for each in chunk.embeddings]
    assert vectors == [(0.0, 0.5), (1.0, 0.5)]


BEFORE: list[Fault] = ["refuse", "break_head", "break_early"]
AFTER: list[tuple[Fault, str]] = [
    ("break_late", "broke off|without a last"),
    ("garbage", "none"),
    ("error_event", "out of memory"),
    ("endless_line", "over 1048576 bytes"),
]


@pytest.mark.parametrize("fault", BEFORE)
async def test_a_fault_before_the_first_event_lets_another_replica_serve(
    fault: Fault, asking: Asked
) -> None:
    async with asking(StandIn(fault=fault)) as engine:
        with pytest.raises(EngineError) as caught:
            await read(engine, CHAT)
    if fault == "refuse":
        assert isinstance(caught.value, EngineUnavailable)
        assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(("fault", "said"), AFTER)
async def test_a_fault_after_it_is_an_honest_error(fault: Fault, said: str, asking: Asked) -> None:
    seen: list[Chunk] = []
    async with asking(StandIn(fault=fault, write_bytes=100)) as engine:
        with pytest.raises(EngineError, match=said):
            await _note(engine, seen)
    assert "".join(chunk.text for chunk in seen) == "Hello"


async def _note(engine: Compatible, seen: list[Chunk]) -> None:
    async for chunk in engine.stream(CHAT):
        seen.append(chunk)  # noqa: PERF401  what came before the fault counts


async def test_what_is_no_http_is_an_error(asking: Asked) -> None:
    async with asking(StandIn(fault="not_http")) as engine:
        with pytest.raises(EngineError, match="HTTP"):
            await read(engine, CHAT)


async def test_nobody_there_can_be_tried_elsewhere() -> None:
    config = _nowhere()
    engine = Compatible(config, COMPATIBLE["vllm"], features=frozenset(), render=lambda _: "")
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        await read(engine, CHAT)


async def test_an_engine_that_stalls_is_given_up(
    asking: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(StandIn(fault="hang")) as engine:
        engine._http.stall_s = 0.05
        with pytest.raises(EngineError, match="nothing arrived for"):
            await read(engine, CHAT)


async def test_a_reader_that_leaves_stops_the_engine(asking: Asked) -> None:
    stand_in = StandIn(pieces=("x",) * 1000, write_bytes=200, pause_s=0.02)
    async with asking(stand_in) as engine:
        stream = engine.stream(msgspec.structs.replace(CHAT, sampling=Sampling(1000)))
        await anext(stream)
        assert stand_in.open == 1
        await stream.aclose()
        async with asyncio.timeout(5):
            await until(lambda: stand_in.open == 0)
    assert stand_in.left == 1


def _nowhere() -> CompatibleConfig:
    return CompatibleConfig(name="r1", url="http://127.0.0.1:9/v1", model="m", upstream_model="m")
