"""Gateways measured in turns, so that what drifts on the machine drifts for all of them."""

import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from load.gateways import Gateway
from load.paced import Paced, Plan, pace
from load.processes import memory_mib
from load.streams import first_piece_ms
from load.wrk import load

CONNECTIONS = 32
WARM_UP_S = 2
FIRST_PIECES = 300
PACED_PER_SECOND_MAX = 5000
"""More would load the generator, not the gateway."""


@dataclass(slots=True)
class Measured:
    """One gateway's figures; lists hold a value for each turn."""

    median_ms: list[float] = field(default_factory=list)
    added_ms: list[float] = field(default_factory=list)
    """Median through the gateway less the median of the direct run before it."""
    per_second: list[float] = field(default_factory=list)
    first_piece_ms: list[float] = field(default_factory=list)
    paced: list[Paced] = field(default_factory=list)
    memory_mib: float = 0.0

    def added(self) -> float:
        return statistics.median(self.added_ms)

    def rate(self) -> float:
        return statistics.median(self.per_second)

    def first_piece(self) -> float:
        return statistics.median(self.first_piece_ms)


def take_turns(
    upstream: Gateway, gateways: list[Gateway], rounds: int, seconds: float, folder: Path
) -> dict[str, Measured]:
    """Latency at one connection, requests/s at many and memory after it, by name.

    The upstream's own figures are under its name.
    """
    measured = {each.name: Measured() for each in (upstream, *gateways)}
    for each in (upstream, *gateways):
        load(each, CONNECTIONS, WARM_UP_S, folder)
    for number in range(rounds):
        for each in gateways:
            say(f"turn {number + 1} of {rounds}: {each.name}")
            _turn(upstream, each, measured, seconds, folder)
        rate = load(upstream, CONNECTIONS, max(1, seconds / 4), folder).per_second
        measured[upstream.name].per_second.append(rate)
    for each in gateways:
        measured[each.name].memory_mib = memory_mib(each.process)
    return measured


def _turn(
    upstream: Gateway, gateway: Gateway, measured: dict[str, Measured], seconds: float, folder: Path
) -> None:
    """Direct, through, direct, through with one connection; then many connections."""
    through = measured[gateway.name]
    for _ in range(2):
        alone = load(upstream, 1, seconds / 2, folder).median_ms
        across = load(gateway, 1, seconds / 2, folder).median_ms
        measured[upstream.name].median_ms.append(alone)
        through.median_ms.append(across)
        through.added_ms.append(across - alone)
    through.per_second.append(load(gateway, CONNECTIONS, seconds, folder).per_second)


def time_streams(gateways: list[Gateway], measured: dict[str, Measured]) -> None:
    """Time to the first piece of a stream; the gateways take turns request by request."""
    for name, taken in first_piece_ms(gateways, FIRST_PIECES).items():
        measured[name].first_piece_ms = taken


def pace_all(
    gateways: list[Gateway], measured: dict[str, Measured], rounds: int, seconds: float
) -> None:
    """Each gateway at half of the highest load it carried, whatever the answers take."""
    for number in range(rounds):
        for each in gateways:
            rate = min(measured[each.name].rate() / 2, PACED_PER_SECOND_MAX)
            say(f"constant load {number + 1} of {rounds}: {each.name}, {rate:.0f} requests/s")
            plan = Plan(each.port, each.request().decode(), rate, seconds)
            measured[each.name].paced.append(pace(plan))


def say(text: str) -> None:
    """Progress, beside the figures."""
    print(text, file=sys.stderr, flush=True)
