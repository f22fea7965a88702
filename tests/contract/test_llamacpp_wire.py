"""What xllamacpp 2026.10 really sent, replayed byte by byte: the engine reads it as chunks."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hansa.core.errors import UserError
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.wire.requests import Chunk, Request, Sampling, Usage

RECORDED = Path(__file__).parent / "recorded"
ASKED = Request(id="r", task="complete", prefix="def add", sampling=Sampling(6))


class Replay:
    """Answers with one recorded body, a few bytes at a time."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.asked: dict[str, object] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked = await request.json()
        reply = web.StreamResponse(status=self.status)
        await reply.prepare(request)
        for start in range(0, len(self.body), 7):
            await reply.write(self.body[start : start + 7])
        return reply


@pytest.fixture
async def replay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncGenerator[tuple[Replay, LlamaCpp]]:
    """An engine whose child process is the recording."""
    recording = Replay()
    app = web.Application()
    app.router.add_post("/completion", recording.answer)

    async def supervise(engine: LlamaCpp) -> None:
        """No child to look after."""

    monkeypatch.setattr(LlamaCpp, "_supervise", supervise)
    async with TestServer(app) as server:
        engine = LlamaCpp(
            LlamaCppConfig("none", 1, 1, 256),
            render=lambda request: request.prefix,
            stop=("<|im_end|>",),
            name="r1",
            log_path=tmp_path / "log",
        )
        await engine.start()
        engine._url, engine._state = str(server.make_url("")).rstrip("/"), "ready"
        try:
            yield recording, engine
        finally:
            await engine.close()


async def read(engine: LlamaCpp) -> list[Chunk]:
    return [chunk async for chunk in engine.stream(ASKED)]


async def test_a_stream_that_ends_at_its_limit(replay: tuple[Replay, LlamaCpp]) -> None:
    recording, engine = replay
    recording.body = (RECORDED / "llamacpp_limit.txt").read_bytes()
    chunks = await read(engine)
    assert "".join(chunk.text for chunk in chunks).startswith(" a + b")
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage][-1] == 6
    assert chunks[-1].finish == "length"
    assert all(chunk.finish is None for chunk in chunks[:-1])
    assert recording.asked["stop"] == ["<|im_end|>"]
    assert recording.asked["stream"] is True


async def test_a_stream_that_ends_at_a_stop_string(replay: tuple[Replay, LlamaCpp]) -> None:
    recording, engine = replay
    recording.body = (RECORDED / "llamacpp_stop.txt").read_bytes()
    chunks = await read(engine)
    assert "".join(chunk.text for chunk in chunks) == " a + b"
    assert chunks[-1].finish == "stop"
    assert isinstance(chunks[-1].usage, Usage)


async def test_a_prompt_that_is_too_long(replay: tuple[Replay, LlamaCpp]) -> None:
    recording, engine = replay
    recording.status = 400
    recording.body = (RECORDED / "llamacpp_too_long.json").read_bytes()
    with pytest.raises(UserError, match="does not fit the context of replica r1"):
        await read(engine)


async def test_log_probabilities_come_only_when_asked_for(replay: tuple[Replay, LlamaCpp]) -> None:
    recording, engine = replay
    recording.body = (RECORDED / "llamacpp_logprobs.txt").read_bytes()
    asked = msgspec.structs.replace(ASKED, sampling=Sampling(max_tokens=2, logprobs=1))
    chunks = [chunk async for chunk in engine.stream(asked)]
    assert recording.asked["n_probs"] == 1
    found = [each for chunk in chunks for each in chunk.logprobs]
    assert [each.token for each in found] == ["\n       ", " foot"]
    assert found[1].logprob == pytest.approx(-1.952, abs=0.001)
    assert found[1].top == ((" foot", found[1].logprob),)
    await read(engine)
    assert "n_probs" not in recording.asked
