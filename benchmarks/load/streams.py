"""Streams as a client sees them: time to the first piece, and a thousand at once for a minute."""

import asyncio
import contextlib
import resource
import socket
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import uvloop

from load.gateways import Gateway
from load.http import is_whole
from load.processes import memory_mib
from load.upstream import DRIP, DRIP_MODEL, PIECES

STALL_S = 30.0
RAMP_S = 5.0
SAMPLE_S = 1.0

_found = DRIP.fullmatch(DRIP_MODEL)
assert _found
DRIP_PIECES = int(_found[2])
DRIP_S = int(_found[1]) * DRIP_PIECES / 1000


def first_piece_ms(gateways: list[Gateway], times: int) -> dict[str, list[float]]:
    """Milliseconds from a request to its first piece; the gateways take turns, `times` times."""
    taken: dict[str, list[float]] = {gateway.name: [] for gateway in gateways}
    with contextlib.ExitStack() as stack:
        open_ = [(each, stack.enter_context(_connect(each.port))) for each in gateways]
        for _ in range(times):
            for gateway, connection in open_:
                taken[gateway.name].append(_time_first(connection, gateway.request(stream=True)))
    return taken


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=STALL_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _time_first(connection: socket.socket, request: bytes) -> float:
    first, answer = PIECES[0].encode(), bytearray()
    taken_ms = 0.0
    began = time.perf_counter()
    connection.sendall(request)
    while not is_whole(answer):
        received = connection.recv(1 << 16)
        if not received:
            raise RuntimeError(f"a stream ended early: {bytes(answer[-500:])!r}")
        answer += received
        if not taken_ms and first in answer:
            taken_ms = (time.perf_counter() - began) * 1000
    if b"data: [DONE]" not in answer or not taken_ms:
        raise RuntimeError(f"a stream lacks its beginning or end: {bytes(answer[-500:])!r}")
    return taken_ms


@dataclass(slots=True)
class Soak:
    """What the streams of one soak saw; `lost` says how."""

    whole: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    gaps_ms: list[float] = field(default_factory=list)
    """The longest wait for a piece of each stream."""
    memory_mib: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the beginning, and the gateway's memory."""

    def growth_mib_per_minute(self) -> float:
        """Slope of memory by least squares, after every stream was opened and one lap ended."""
        settled = [each for each in self.memory_mib if each[0] >= RAMP_S + DRIP_S]
        if len(settled) < 2:
            return 0.0
        times, memory = zip(*settled, strict=True)
        return statistics.linear_regression(times, memory).slope * 60


def soak(gateway: Gateway, streams: int, seconds: float) -> Soak:
    """Keep `streams` slow streams open for `seconds`, each begun again when it ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(_soak(gateway, streams, seconds))


async def _soak(gateway: Gateway, streams: int, seconds: float) -> Soak:
    seen = Soak()
    began = time.monotonic()
    until = began + seconds

    async def sample() -> None:
        while True:
            seen.memory_mib.append((time.monotonic() - began, memory_mib(gateway.process)))
            await asyncio.sleep(SAMPLE_S)

    async def keep_open(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while time.monotonic() < until:
            try:
                seen.gaps_ms.append(await asyncio.wait_for(_read(gateway), DRIP_S + STALL_S))
                seen.whole += 1
            except (OSError, TimeoutError, ValueError, EOFError) as error:
                seen.lost[f"{type(error).__name__}: {error}"[:200]] += 1
                await asyncio.sleep(1)

    sampling = asyncio.create_task(sample())
    await asyncio.gather(*(keep_open(RAMP_S * n / streams) for n in range(streams)))
    sampling.cancel()
    return seen


async def _read(gateway: Gateway) -> float:
    """Read one stream to its end; the longest wait between two pieces, in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(gateway.request(stream=True, drip=True))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            status = head.partition(b"\r\n")[0].decode()
            raise ValueError(f"{status} {(await reader.read(300)).decode(errors='replace')}")
        pieces, longest_s, last = 0, 0.0, time.perf_counter()
        while (line := await reader.readuntil(b"\n")) != b"data: [DONE]\n":
            if b"piece " in line:
                now = time.perf_counter()
                pieces, longest_s, last = pieces + 1, max(longest_s, now - last), now
        if pieces != DRIP_PIECES:
            raise ValueError(f"{pieces} of {DRIP_PIECES} pieces came")
        return longest_s * 1000
    finally:
        writer.close()
