"""`make bench NAME=completion`: 24 tokens on a warm prefix, across members, seen by the client.

One run alternates, prompt by prompt, between the engine asked directly and the same engine build
behind two nodes (editor's, then compute's: key, routing, grant, receipt, countersignature). A
second pair uses an engine that answers at once, which shows what Hansa itself adds without the
noise of inference.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import rich

from report import Claim, arguments, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hansa.context.templates import render
from hansa.core.files import user_state_dir
from hansa.core.ids import new_request_id
from hansa.engines.llamacpp import LlamaCpp, LlamaCppConfig
from hansa.models.catalog import DEFAULT_MODEL, card_of
from hansa.models.store import ModelStore
from hansa.wire.requests import Chunk, Request, Sampling
from hansa.wire.sse import decode_events
from support.league import Made, MemberSpec, make_league
from support.nodes import new_key, node_process

FILES = ("table.py", "console.py", "text.py", "progress.py", "panel.py", "tree.py")
PREFIX_CHARS = 1500
PREFIX_END = 9000
TOKENS = 24
ROUNDS = 8
MOCK_ROUNDS = 200


def prompts() -> list[str]:
    """Beginnings of real functions, about 500 tokens each."""
    folder = Path(rich.__file__).parent
    found = []
    for name in FILES:
        text = (folder / name).read_text()
        end = text.index("\n        ", min(PREFIX_END, len(text) // 2))
        found.append(text[end - PREFIX_CHARS : end])
    return found


def request(prompt: str, *, stream: bool = False) -> Request:
    return Request(
        id=new_request_id(),
        task="complete",
        prefix=prompt,
        sampling=Sampling(max_tokens=TOKENS),
        stream=stream,
    )


async def main() -> None:
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        direct_ms, across_ms = await real(Path(folder) / "real")
        added_ms, streamed_added_ms = await instant(Path(folder) / "instant")
    paired = statistics.median(a - d for a, d in zip(across_ms, direct_ms, strict=True))
    report(
        [
            Claim("engine alone, 24 tokens, warm, median", statistics.median(direct_ms), "ms"),
            Claim("across members, at the client, median", statistics.median(across_ms), "ms", 200),
            Claim("across members, at the client, p90", quantile(across_ms, 0.9), "ms"),
            Claim("ratio across / alone", sum(across_ms) / sum(direct_ms), "x"),
            Claim("difference, paired, median", paired, "ms"),
            Claim("added by Hansa with an instant engine, median", added_ms, "ms", 5),
            Claim("the same, p90", streamed_added_ms, "ms"),
        ],
        options.json,
    )


async def real(folder: Path) -> tuple[list[float], list[float]]:
    """Milliseconds for each prompt and round: asked directly, and across members."""
    made = league(folder, "llamacpp")
    direct_ms: list[float] = []
    across_ms: list[float] = []
    with node_process(made["compute"]) as compute, node_process(made["editor"]) as editor:
        compute.wait_until("/ready")
        editor.wait_until("/ready")
        async with embedded(folder) as engine, client(made["editor"]) as ask:
            for prompt in prompts():
                await time_direct(engine, prompt)
                await ask(request(prompt))
                for _ in range(ROUNDS):
                    direct_ms.append(await time_direct(engine, prompt))
                    across_ms.append(await ask(request(prompt)))
    return direct_ms, across_ms


async def instant(folder: Path) -> tuple[float, float]:
    """Median and p90 milliseconds across members when generating takes no time."""
    made = league(folder, "mock")
    prompt = prompts()[0]
    with node_process(made["compute"]) as compute, node_process(made["editor"]) as editor:
        compute.wait_until("/ready")
        editor.wait_until("/ready")
        async with client(made["editor"]) as ask:
            for _ in range(20):
                await ask(request(prompt))
            taken = [await ask(request(prompt)) for _ in range(MOCK_ROUNDS)]
    return statistics.median(taken), quantile(taken, 0.9)


def league(folder: Path, engine: str) -> dict[str, Made]:
    return make_league(
        folder, (MemberSpec("compute", "us", ("r1",), engine=engine), MemberSpec("editor"))
    )


@contextlib.asynccontextmanager
async def embedded(folder: Path) -> AsyncGenerator[LlamaCpp]:
    """The same engine as the league's, without a league."""
    card = card_of(DEFAULT_MODEL)
    path = ModelStore(user_state_dir()).require(card)
    engine = LlamaCpp(
        LlamaCppConfig(str(path), threads=2, slots=2, context_tokens=2048),
        render=partial(render, profile=card.profile),
        stop=card.profile.stop,
        name="direct",
        log_path=folder / "direct.log",
    )
    await engine.start()
    while engine.state() != "ready":
        await asyncio.sleep(0.05)
    try:
        yield engine
    finally:
        await engine.close()


async def time_direct(engine: LlamaCpp, prompt: str) -> float:
    began = time.perf_counter()
    async for _ in engine.stream(request(prompt)):
        pass
    return (time.perf_counter() - began) * 1000


@contextlib.asynccontextmanager
async def client(made: Made) -> AsyncGenerator:
    """Asks the member's node over HTTP; gives back milliseconds until the last chunk."""
    headers = {"authorization": f"Bearer {new_key(made.settings())}"}
    url = f"{made.url}/hansa/v1/answer"

    async with aiohttp.ClientSession(headers=headers) as http:

        async def ask(asked: Request) -> float:
            body = msgspec.json.encode(asked)
            began = time.perf_counter()
            async with http.post(url, data=body) as reply:
                events = [event async for event in decode_events(reply.content.iter_any())]
            taken = (time.perf_counter() - began) * 1000
            last = msgspec.json.decode(events[-1].data, type=Chunk)
            assert last.finish, events[-1]
            assert reply.headers["hansa-route"] == "compute/r1"
            return taken

        yield ask


def quantile(values: list[float], q: float) -> float:
    return statistics.quantiles(values, n=100)[int(q * 100) - 1]


if __name__ == "__main__":
    asyncio.run(main())
