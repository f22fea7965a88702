"""`make bench NAME=shared_cores`: the embedded engine on cores that it does not have for itself.

24 tokens after 500 that are in the cache: alone, beside one process that computes, and from two
engines at once, each with two threads on two cores. Threads of an engine wait for each other some
hundred times a token; how long they spin before they sleep decides what happens when one of them
does not get a core. Measured with Hansa's limit and with libgomp's own, alternating in one run.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from completion import embedded, prompts, time_direct
from hansa.engines.llamacpp import LlamaCpp
from report import Claim, option_parser, report

LIBGOMP_SPINS = "300000"
"""Its own default for a program that says nothing of OMP_WAIT_POLICY, on this machine."""
LIMITS = {"Hansa's": None, "libgomp's": LIBGOMP_SPINS}
ALONE, BESIDE, TWO = "alone", "beside a process that computes", "two engines at once"


async def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asks", type=int, default=4, help="in each way and round")
    options = parser.parse_args()
    taken: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for limit, spins in LIMITS.items():
                for way, each in (await measure(Path(folder), spins, options.asks)).items():
                    taken.setdefault((limit, way), []).extend(each)
    report(list(claims(taken)), options.json)


async def measure(folder: Path, spins: str | None, asks: int) -> dict[str, list[float]]:
    """Milliseconds for each answer, in each way."""
    with environment("GOMP_SPINCOUNT", spins):
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(embedded(folder))
            two = await stack.enter_async_context(embedded(folder))
            found = {ALONE: await asked(one, asks)}
            with computing():
                found[BESIDE] = await asked(one, asks)
            both = await asyncio.gather(asked(one, asks), asked(two, asks))
            found[TWO] = [*both[0], *both[1]]
    return found


async def asked(engine: LlamaCpp, asks: int) -> list[float]:
    prompt = prompts()[0]
    await time_direct(engine, prompt)
    return [await time_direct(engine, prompt) for _ in range(asks)]


@contextmanager
def computing() -> Generator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def environment(name: str, value: str | None) -> Generator[None]:
    before = os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def claims(taken: dict[tuple[str, str], list[float]]) -> Iterator[Claim]:
    for way in (ALONE, BESIDE, TWO):
        ours, theirs = (statistics.median(taken[limit, way]) for limit in LIMITS)
        yield Claim(f"{way}, Hansa's limit, median", ours, "ms")
        yield Claim(f"{way}, libgomp's", theirs, "ms")
        yield Claim(f"{way}, ratio", ours / theirs, "x", None if way == ALONE else 1.0)


if __name__ == "__main__":
    asyncio.run(main())
