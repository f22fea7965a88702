"""llama.cpp's own server, as xllamacpp brings it, through the engine for `llama-server`."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hansa.engines.compatible import Compatible, CompatibleConfig
from hansa.engines.kinds import COMPATIBLE
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.wire.requests import Chunk, Message, Request, Sampling
from hansa.wire.tools import OutputForm
from support.waiting import until

pytestmark = pytest.mark.model

CHAT = Request("r", "chat", messages=(Message("user", "Say hi"),), sampling=Sampling(12))


@pytest.fixture
async def engine(weights: Path, tmp_path: Path) -> AsyncGenerator[Compatible]:
    server = LlamaCpp(
        LlamaCppConfig(str(weights), 2, 1, 1024),
        render=lambda request: request.prefix,
        stop=(),
        name="server",
        log_path=tmp_path / "server.log",
    )
    await server.start()
    await until(lambda: server.state() == "ready")
    quirks = COMPATIBLE["llama-server"]
    asking = Compatible(
        CompatibleConfig(name="r", url=f"{server._url}/v1", model="m", upstream_model="m"),
        quirks,
        features=quirks.features,
        render=lambda request: request.prefix,
    )
    await asking.start()
    await until(lambda: asking.state() == "ready")
    yield asking
    await asking.close()
    await server.close()


async def read(engine: Compatible, request: Request) -> list[Chunk]:
    return [chunk async for chunk in engine.stream(request)]


async def test_chat_completion_structure_and_log_probabilities(engine: Compatible) -> None:
    """One test, because the server takes a second to start."""
    chat = await read(engine, CHAT)
    assert "".join(chunk.text for chunk in chat)
    assert chat[-1].usage
    assert 0 < chat[-1].usage.completion_tokens <= 12
    code = Request("r", "complete", prefix="def add(a, b):\n    return", sampling=Sampling(8))
    assert "a" in "".join(chunk.text for chunk in await read(engine, code))
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    shaped = Request(
        "r", "chat", messages=CHAT.messages, sampling=Sampling(40),
        output=OutputForm("json_schema", "a", schema),
    )  # fmt: skip
    said = "".join(chunk.text for chunk in await read(engine, shaped))
    assert isinstance(json.loads(said)["ok"], bool)
    likely = Request("r", "chat", messages=CHAT.messages, sampling=Sampling(4, logprobs=2))
    tokens = [each for chunk in await read(engine, likely) for each in chunk.logprobs]
    assert tokens
    assert all(each.logprob <= 0 and len(each.top) == 2 for each in tokens)
    continued = Request(
        "r", "chat", messages=(*CHAT.messages, Message("assistant", "Hi th")), sampling=Sampling(4)
    )
    assert await read(engine, continued)
