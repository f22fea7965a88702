"""The embedded engine with its real model: streams, ends, is cancelled, dies and comes back."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import psutil
import pytest
from structlog.testing import capture_logs

from hansa.core.errors import EngineError, EngineUnavailable, UserError
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.wire.requests import Chunk, Request, Sampling
from support.waiting import until

CONTEXT_TOKENS = 512
PROMPT = "def fibonacci(n):\n    if n < 2:\n        return n\n    return "

KILLED_PARENT = """
import asyncio, sys
from pathlib import Path
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig

async def main():
    engine = LlamaCpp(LlamaCppConfig(sys.argv[1], 1, 1, 256), render=lambda r: r.prefix, stop=(),
                      name="r", log_path=Path(sys.argv[2]))
    await engine.start()
    while engine.state() != "ready":
        await asyncio.sleep(0.01)
    print('pid', engine.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def make(path: Path, log_path: Path, slots: int = 2, stop: tuple[str, ...] = ()) -> LlamaCpp:
    config = LlamaCppConfig(str(path), threads=1, slots=slots, context_tokens=CONTEXT_TOKENS)
    return LlamaCpp(
        config, render=lambda request: request.prefix, stop=stop, name="r1", log_path=log_path
    )


@contextlib.asynccontextmanager
async def started(engine: LlamaCpp) -> AsyncGenerator[LlamaCpp]:
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
async def engine(weights: Path, tmp_path: Path) -> AsyncGenerator[LlamaCpp]:
    async with started(make(weights, tmp_path / "engine.log", slots=1)) as engine:
        await until(lambda: engine.state() == "ready")
        yield engine


async def test_no_code_of_the_folder_it_is_started_in_is_run(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("msgspec.py", "xllamacpp.py"):
        (tmp_path / name).write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    async with started(make(weights, tmp_path / "engine.log", slots=1)) as engine:
        await until(lambda: engine.state() != "starting")
        assert engine.state() == "ready"


async def test_what_nobody_foresaw_is_told_and_tried_again(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise TypeError("an event loop without this argument")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", cannot)
    with capture_logs() as logs:
        async with started(make(weights, tmp_path / "engine.log")) as engine:
            await until(lambda: engine.state() == "down")
    assert [each["event"] for each in logs][:2] == ["engine_start_failed", "engine_restarts"]


async def test_ctrl_c_is_for_the_node_alone(engine: LlamaCpp) -> None:
    assert engine.pid is not None
    assert os.getpgid(engine.pid) != os.getpgrp()


def a_request(max_tokens: int = 12, prefix: str = PROMPT, **changes: object) -> Request:
    request = Request("r", "complete", prefix=prefix, sampling=Sampling(max_tokens))
    return msgspec.structs.replace(request, **changes)


async def read(engine: LlamaCpp, request: Request) -> list[Chunk]:
    return [chunk async for chunk in engine.stream(request)]


def text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


@pytest.mark.model
async def test_it_streams_counts_and_ends_where_it_is_told(engine: LlamaCpp):
    chunks = await read(engine, a_request())
    last = chunks[-1]
    assert text(chunks).strip()
    assert len(chunks) > 3
    assert [chunk.finish for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert last.finish == "length"
    assert last.usage
    assert last.usage.completion_tokens == 12
    assert 15 < last.usage.prompt_tokens < 60
    assert last.usage.cached_tokens == 0

    again = await read(engine, a_request())
    assert text(again) == text(chunks), "greedy"
    assert again[-1].usage
    assert again[-1].usage.prompt_tokens == last.usage.prompt_tokens
    assert again[-1].usage.cached_tokens >= last.usage.prompt_tokens - 2

    stopped = await read(engine, a_request(sampling=Sampling(64, stop=("\n",))))
    assert stopped[-1].finish == "stop"
    assert "\n" not in text(stopped)
    assert text(chunks).startswith(text(stopped)) or text(stopped).startswith(text(chunks))

    one = await read(engine, a_request(1))
    assert one[-1].usage
    assert one[-1].usage.completion_tokens == 1


@pytest.mark.model
@pytest.mark.parametrize("begins", ["\n        ", '"', "\\é{}[] "])
async def test_an_answer_begins_as_it_has_to(engine: LlamaCpp, begins: str):
    said = text(await read(engine, a_request(16, begins=begins)))
    assert said.startswith(begins)
    assert len(said) > len(begins)


@pytest.mark.model
@pytest.mark.parametrize("begins", ["\n", "\n    "])
async def test_a_line_that_was_begun_is_not_left_empty(engine: LlamaCpp, begins: str):
    blank = "x = 1\n" + "\n" * 24
    said = text(await read(engine, a_request(8, blank, begins=begins)))
    assert said.removeprefix(begins).partition("\n")[0].strip()


@pytest.mark.model
async def test_each_token_has_its_log_probability_where_text_repeats(engine: LlamaCpp):
    """Tokens that are guessed from repeats, and only checked, would come without."""
    line = "    result.append(value * factor + offset)\n    total += value\n"
    sampling = Sampling(20, logprobs=1)
    prefix = f"def f(value, factor, offset):\n{line * 3}    result.append(value * factor"
    chunks = await read(engine, a_request(prefix=prefix, sampling=sampling))
    usage = chunks[-1].usage
    assert usage
    assert sum(len(chunk.logprobs) for chunk in chunks) == usage.completion_tokens > 5


@pytest.mark.model
async def test_of_several_fillings_the_one_is_given_that_fits(engine: LlamaCpp):
    asked = a_request(
        prefix="def mean(values):\n    if not values:\n        return 0.0",
        suffix="\n    for each in values:\n        total += each\n    return total / len(values)\n",
        begins="\n    ",
        sampling=Sampling(16, stop=("\n",), best_of=4),
    )
    first, again = [await read(engine, asked) for _ in range(2)]
    assert text(first) == text(again)
    assert text(first).startswith("\n    ")
    usage, once = first[-1].usage, (await read(engine, a_request(16)))[-1].usage
    assert usage
    assert once
    assert usage.completion_tokens > 2 * once.completion_tokens


@pytest.mark.model
async def test_a_seed_makes_chance_the_same_again(engine: LlamaCpp):
    sampling = Sampling(12, temperature=1.5, top_p=0.95, seed=7)
    first = text(await read(engine, a_request(sampling=sampling)))
    again = text(await read(engine, a_request(sampling=sampling)))
    other = Sampling(12, temperature=1.5, top_p=0.95, seed=8)
    assert first == again
    assert first != text(await read(engine, a_request(sampling=other)))


@pytest.mark.model
async def test_a_reader_that_goes_stops_the_work_and_frees_its_slot(engine: LlamaCpp):
    clock = asyncio.get_running_loop().time
    prefix = "Once upon a time there was"
    began = clock()
    await read(engine, a_request(40, prefix))
    whole_s = clock() - began
    stream = engine.stream(a_request(400, prefix))
    await anext(stream)
    await stream.aclose()
    # There is one slot, and the rest of the 400 tokens would take ten times as long as 40.
    began = clock()
    await read(engine, a_request(1, prefix))
    assert clock() - began < whole_s * 3


@pytest.mark.model
async def test_a_prompt_that_does_not_fit_is_the_asker_s_error(engine: LlamaCpp):
    with pytest.raises(UserError, match="does not fit the context of replica r1") as caught:
        await read(engine, a_request(prefix="word " * CONTEXT_TOKENS))
    assert caught.value.hint
    assert engine.state() == "ready"


@pytest.mark.model
async def test_any_text_is_a_prompt(engine: LlamaCpp):
    for prefix in ("", "\x00", "\U0001f600é\u202e", "<|im_start|><|im_end|>"):
        with contextlib.suppress(EngineError, UserError):
            chunks = await read(engine, a_request(2, prefix))
            assert chunks[-1].finish
        assert engine.state() == "ready"
    assert await read(engine, a_request(1))


@pytest.mark.model
async def test_a_child_that_is_killed_breaks_its_stream_and_is_started_again(engine: LlamaCpp):
    first = engine.pid
    assert first
    stream = engine.stream(a_request(400))
    await anext(stream)
    psutil.Process(first).kill()
    with pytest.raises(EngineError, match=r"replica r1 broke off|without a last event"):
        [chunk async for chunk in stream]
    await until(lambda: engine.state() != "ready")
    with pytest.raises(EngineUnavailable, match="replica r1 is"):
        await read(engine, a_request())
    await until(lambda: engine.state() == "ready")
    assert engine.pid != first
    assert (await read(engine, a_request()))[-1].finish == "length"


@pytest.mark.model
async def test_closing_ends_the_child_and_may_be_done_twice(weights: Path, tmp_path: Path):
    engine = make(weights, tmp_path / "engine.log")
    async with started(engine):
        await until(lambda: engine.state() == "ready")
        child = psutil.Process(engine.pid)
    await engine.close()
    assert not child.is_running()
    assert engine.state() == "down"
    with pytest.raises(EngineUnavailable):
        await read(engine, a_request())


@pytest.mark.model
def test_the_child_ends_with_a_parent_that_is_killed(weights: Path, tmp_path: Path):
    command = [sys.executable, "-c", KILLED_PARENT, str(weights), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        said = next(line for line in parent.stdout if line.startswith(b"pid "))
        child = psutil.Process(int(said.split()[1]))
        parent.send_signal(signal.SIGKILL)
        gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone


@pytest.mark.parametrize("content", [None, b"", b"GGUF" + b"\x00" * 100, b"no model"])
async def test_weights_that_cannot_be_loaded_are_said(tmp_path: Path, content: bytes | None):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with capture_logs() as logs:
        async with started(make(path, tmp_path / "engine.log")) as engine:
            await until(lambda: any(each["event"] == "engine_start_failed" for each in logs))
            assert engine.state() != "ready"
            with pytest.raises(EngineUnavailable, match="replica r1 is"):
                await read(engine, a_request())
    failed = next(each for each in logs if each["event"] == "engine_start_failed")
    assert failed["replica"] == "r1"
    assert "while loading; see" in failed["error"]
    assert "engine.log" in failed["error"]
