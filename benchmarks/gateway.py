"""`make bench NAME=gateway`: what a gateway adds to an engine that answers at once.

Hansa with key check, limits, routing and durable receipts, Portkey's gateway and LiteLLM's proxy
stand in front of the same upstream. They take turns, so that what drifts on the machine drifts for
all. `make setup-peers` makes the peers.
"""

import argparse
import contextlib
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from report import Claim, option_parser, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from load.features import FEATURES
from load.gateways import GATEWAYS, Gateway, direct, hansa
from load.streams import soak
from load.turns import CONNECTIONS, Measured, pace_all, say, take_turns, time_streams

FIRST_PIECE_ADDED_MS_MAX = 1.0
TAIL_RATIO_MAX = 10.0
GROWTH_MIB_PER_MINUTE_MAX = 10.0


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(direct(_below(folder, "direct")))
        claims = [
            *_compare(upstream, options, folder),
            *_cost_of_features(upstream, options, folder),
        ]
    report(claims, options.json)


def _compare(upstream: Gateway, options: argparse.Namespace, folder: Path) -> list[Claim]:
    """Hansa and its peers, all started, one loaded at a time."""
    with contextlib.ExitStack() as stack:
        gateways = [
            stack.enter_context(GATEWAYS[name](_below(folder, name), upstream.port))
            for name in options.only
        ]
        measured = take_turns(upstream, gateways, options.rounds, options.seconds, folder)
        time_streams([upstream, *gateways], measured)
        pace_all([upstream, *gateways], measured, options.paced_rounds, options.paced_seconds)
        soaked = [each for each in gateways if options.soak_seconds and each.name in options.soak]
        return [
            *_figures(measured),
            *_tails(measured),
            *_ratios(measured),
            *(claim for each in soaked for claim in _soak(each, options)),
        ]


def _figures(measured: dict[str, Measured]) -> Iterator[Claim]:
    ours = {name: seen for name, seen in measured.items() if name != "direct"}
    alone = measured["direct"]
    yield Claim("direct: median at 1 connection", statistics.median(alone.median_ms), "ms")
    for name, seen in ours.items():
        yield Claim(f"{name}: added median at 1 connection", seen.added(), "ms")
    for name, seen in measured.items():
        yield Claim(f"{name}: requests/s at {CONNECTIONS} connections", seen.rate(), "/s")
    for name, seen in ours.items():
        yield Claim(f"{name}: memory after load", seen.memory_mib, "MiB")
    for name, seen in ours.items():
        added = seen.first_piece() - alone.first_piece()
        bound = FIRST_PIECE_ADDED_MS_MAX if name == "hansa" else None
        yield Claim(f"{name}: added time to the first piece of a stream", added, "ms", bound)


def _tails(measured: dict[str, Measured]) -> Iterator[Claim]:
    """At half of each one's highest load; medians over the runs."""
    for name, seen in measured.items():
        if not seen.paced:
            continue
        about = f"{name}: at half of its highest load,"
        middle = statistics.median(each.median_ms for each in seen.paced)
        tail = statistics.median(each.p999_ms for each in seen.paced)
        ratio = statistics.median(each.p999_ms / each.median_ms for each in seen.paced)
        bound = TAIL_RATIO_MAX if name == "hansa" else None
        yield Claim(f"{about} median", middle, "ms")
        yield Claim(f"{about} 99.9th percentile", tail, "ms")
        yield Claim(f"{about} 99.9th percentile / median", ratio, "x", bound)


def _ratios(measured: dict[str, Measured]) -> Iterator[Claim]:
    if "hansa" not in measured:
        return
    ours = measured["hansa"]
    if theirs := measured.get("portkey"):
        yield Claim("hansa / portkey: added median", ours.added() / theirs.added(), "x", 0.5)
        faster = ours.rate() / theirs.rate()
        yield Claim("hansa / portkey: requests/s", faster, "x", 2, at_least=True)
        yield Claim("hansa / portkey: memory", ours.memory_mib / theirs.memory_mib, "x", 1)
    if theirs := measured.get("litellm"):
        faster = ours.rate() / theirs.rate()
        yield Claim("hansa / litellm: requests/s", faster, "x", 40, at_least=True)


def _soak(gateway: Gateway, options: argparse.Namespace) -> Iterator[Claim]:
    """Slow streams, many at once: none is lost, and memory stays."""
    about = f"{gateway.name}: {options.streams} streams at once for {options.soak_seconds:g} s,"
    say(about.strip(","))
    seen = soak(gateway, options.streams, options.soak_seconds)
    for reason, count in seen.lost.most_common(5):
        say(f"lost {count}: {reason}")
    ours = gateway.name == "hansa"
    growth, growth_max = seen.growth_mib_per_minute(), GROWTH_MIB_PER_MINUTE_MAX
    yield Claim(f"{about} whole", seen.whole, "streams", options.streams, at_least=True)
    yield Claim(f"{about} lost", seen.lost.total(), "streams", 0 if ours else None)
    yield Claim(f"{about} longest wait for a piece", max(seen.gaps_ms, default=0.0), "ms")
    yield Claim(f"{about} growth of memory", growth, "MiB/min", growth_max if ours else None)
    yield Claim(f"{about} memory at the end", seen.memory_mib[-1][1], "MiB")


def _cost_of_features(
    upstream: Gateway, options: argparse.Namespace, folder: Path
) -> Iterator[Claim]:
    """Hansa as it is compared beside Hansa with one thing different at a time."""
    if "hansa" not in options.only or not options.feature_rounds:
        return
    with contextlib.ExitStack() as stack:
        usual = stack.enter_context(hansa(_below(folder, "usual"), upstream.port))
        others = [
            stack.enter_context(hansa(_below(folder, f"other-{number}"), upstream.port, feature))
            for number, feature in enumerate(FEATURES)
        ]
        measured = take_turns(
            upstream, [usual, *others], options.feature_rounds, options.seconds, folder
        )
    for feature, other in zip(FEATURES, others, strict=True):
        off, on = measured[other.name], measured[usual.name]
        if feature.added:
            off, on = on, off
        yield Claim(f"cost of {feature.name}: at 1 connection", on.added() - off.added(), "ms")
        share = 100 * (1 - on.rate() / off.rate())
        yield Claim(f"cost of {feature.name}: of the requests/s without it", share, "%")


def _options() -> argparse.Namespace:
    parser = option_parser(__doc__ or "")
    names = list(GATEWAYS)
    add = parser.add_argument
    add("--only", nargs="+", choices=names, default=names, help="the gateways to compare")
    add("--rounds", type=int, default=5, help="turns of each gateway (default: 5)")
    add("--seconds", type=float, default=4, help="of each load in a turn (default: 4)")
    add("--paced-rounds", type=int, default=3, help="of constant load; 0: none (default: 3)")
    add("--paced-seconds", type=float, default=10, help="of constant load (default: 10)")
    add("--soak", nargs="*", choices=names, default=["hansa"], help="who is soaked")
    add("--soak-seconds", type=float, default=60, help="of the soak; 0: none (default: 60)")
    add("--streams", type=int, default=1000, help="of the soak, at once (default: 1000)")
    add("--feature-rounds", type=int, default=3, help="turns off and on of each feature; 0: none")
    return parser.parse_args()


def _below(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


if __name__ == "__main__":
    main()
