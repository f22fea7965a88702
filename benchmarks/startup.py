"""`make bench NAME=startup`: how long `hansa --help` and a node take; what an idle node holds."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from report import Claim, arguments, report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.league import MemberSpec, make_league
from support.nodes import HANSA, NodeProcess

HELP_RUNS = 11
NODE_RUNS = 3


def main() -> None:
    options = arguments(__doc__ or "")
    subprocess.run([HANSA, "--help"], capture_output=True, check=True)
    help_ms = statistics.median(_help_ms() for _ in range(HELP_RUNS))
    ready, memory = [], []
    for _ in range(NODE_RUNS):
        ready.append(_ready_s())
        memory.append(_idle_mib())
    report(
        [
            Claim("hansa --help", help_ms, "ms", 300),
            Claim("node ready, with one embedded replica", statistics.median(ready), "s", 5),
            Claim("idle memory of a node without engine", max(memory), "MiB", 120),
        ],
        options.json,
    )


def _help_ms() -> float:
    began = time.perf_counter()
    subprocess.run([HANSA, "--help"], capture_output=True, check=True)
    return (time.perf_counter() - began) * 1000


def _ready_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        spec = MemberSpec("solo", replicas=("r1",), engine="llamacpp")
        made = make_league(Path(folder), (spec,))["solo"]
        began = time.perf_counter()
        node = NodeProcess(made)
        try:
            node.wait_until("/ready")
            return time.perf_counter() - began
        finally:
            node.stop()


def _idle_mib() -> float:
    """Resident memory of a member's node that has no replica, beside a peer that has one."""
    with tempfile.TemporaryDirectory() as folder:
        specs = (MemberSpec("maker"), MemberSpec("compute", "us", ("r1",)))
        made = make_league(Path(folder), specs)
        nodes = [NodeProcess(each) for each in made.values()]
        try:
            for node in nodes:
                node.wait_until("/ready")
            time.sleep(3)
            return psutil.Process(nodes[0].process.pid).memory_info().rss / 2**20
        finally:
            for node in nodes:
                node.stop()


if __name__ == "__main__":
    main()
