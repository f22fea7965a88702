"""Running nodes for tests: in this process on a real socket, or as processes of their own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from hansa.accounts.keys import KeyRing, keys_path
from hansa.assembly import Node, build
from hansa.core.clock import SystemClock
from hansa.core.settings import Settings
from hansa.serving import bind, server_config
from support.league import Made

HANSA = str(Path(sys.executable).with_name("hansa"))
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A node of this process and the address it really serves."""

    node: Node
    url: str
    key: str


@contextlib.asynccontextmanager
async def running(
    settings: Settings, drain: Callable[[], None] | None = None
) -> AsyncGenerator[Running]:
    """Serve a node on its own port in this event loop."""
    node = await build(settings, drain=drain)
    server = uvicorn.Server(server_config(node.app))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  signals are ours
    listen = bind(settings.listen)
    await node.start()
    task = asyncio.create_task(server.serve(sockets=[listen]))
    host, port = listen.getsockname()[:2]
    try:
        while not server.started:
            await asyncio.sleep(0)
        yield Running(node, f"http://{host}:{port}", new_key(settings))
    finally:
        server.should_exit = True
        await task
        listen.close()
        await node.close()


async def met(*nodes: Running) -> None:
    """Wait until every node has heard of every other one's replicas."""
    async with asyncio.timeout(READY_TIMEOUT_S):
        while any(
            peer.status is None
            for running_ in nodes
            for peer in running_.node.fleet.peers.values()
            if any(each.node.settings.member == peer.member for each in nodes)
        ):
            await asyncio.sleep(0.01)


def new_key(settings: Settings, tier: str = "team") -> str:
    ring = KeyRing(keys_path(settings.state_dir), SystemClock())
    return ring.create("tests", tier)[1]  # type: ignore[arg-type]  one of three


class NodeProcess:
    """`hansa node serve` as a process of its own."""

    def __init__(self, made: Made, environment: dict[str, str] | None = None) -> None:
        self.made = made
        self.log = made.folder / "node.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [HANSA, "node", "serve", "--config", str(made.config)],
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )

    def wait_until(self, path: str = "/ready", timeout_s: float = READY_TIMEOUT_S) -> "NodeProcess":
        """Wait until GET `path` answers 200."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended:\n{self.log.read_text()}")
            with contextlib.suppress(OSError):
                if status_of(self.made.url + path) == 200:
                    return self
            time.sleep(0.02)
        raise AssertionError(f"{path} was not 200 in {timeout_s} s:\n{self.log.read_text()}")

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextlib.contextmanager
def node_process(made: Made, environment: dict[str, str] | None = None) -> Generator[NodeProcess]:
    process = NodeProcess(made, environment)
    try:
        yield process
    finally:
        process.stop()


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def wait_for(fact: Callable[[], bool], timeout_s: float = READY_TIMEOUT_S) -> None:
    """Look again and again until `fact` holds."""
    until = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(OSError):
            if fact():
                return
        assert time.monotonic() < until, f"did not come about in {timeout_s} s"
        time.sleep(0.02)


def hansa(
    *arguments: str | Path, timeout_s: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [HANSA, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **environment},
    )
