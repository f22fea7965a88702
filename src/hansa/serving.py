"""A node as a process: one socket, one loop, an orderly end."""

import asyncio
import contextlib
import gc
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hansa.assembly import Node, build
from hansa.core.errors import ConfigError
from hansa.core.settings import Listen, Settings
from hansa.gateway.call import GONE, Gone
from hansa.observe.logs import configure_logs

THREAD_SWITCH_S = 0.0002
"""How long the ledger's thread may hold the interpreter while the loop waits for it. Python's own
5 ms made half of all requests wait for it at half load (docs/log.md)."""

HEAD_TIMEOUT_S = 30.0
"""From a connection's start, or a request's first byte, to the end of its head."""

HEAD_BYTES_MAX = 64 * 1024
"""Of a request's head, and of what may follow its body, beside what the chunk it began in holds.

The parser joins a header's pieces again with each chunk, so a long one costs its square in time.
"""

DRAIN_LOOK_S = 0.02
"""How often a node that ends looks whether something is still under way."""

CONNECTIONS_BACKLOG = 1024
CONNECTIONS_MAX = 4096
"""Connections and requests held at once; more are answered 503."""

HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)

_log = structlog.get_logger()


def run_node(settings: Settings, listening: Callable[[str], None]) -> None:
    """Serve a node until SIGINT or SIGTERM; `listening` is told its address.

    Raises:
        ConfigError: the port is in use, or may not be used.
    """
    configure_logs(settings.log_level)
    sys.setswitchinterval(THREAD_SWITCH_S)
    with bind(settings.listen) as bound, asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_serve(settings, bound, listening))


async def _serve(
    settings: Settings, bound: socket.socket, listening: Callable[[str], None]
) -> None:
    servers: list[_Server] = []

    def drain() -> None:
        for each in servers:
            each.drain()

    node = await build(settings, drain=drain)
    try:
        await node.start()
        server = _Server(node)
        servers.append(server)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, server.signalled)
        _spare_collector()
        host, port = bound.getsockname()[:2]
        listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        await server.serve(sockets=[bound])
    finally:
        await node.close()


def _spare_collector() -> None:
    """Leave what was made at the start out of garbage collection, and collect less often.

    Modules and tables are a few hundred thousand objects that never go; going through them held up
    requests for tens of milliseconds (docs/log.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def server_config(app: ASGIApp, drain_s: int = 1) -> uvicorn.Config:
    """How a node's application is served; answers under way get `drain_s` seconds at its end."""
    return uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        proxy_headers=False,  # the pages look at them, see assembly
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=drain_s,
        limit_concurrency=CONNECTIONS_MAX,
    )


class _Connection(HttpToolsProtocol):
    """Tells the request's worker at once when its client is gone."""

    _requests: Sequence[Gone] = ()
    _late: asyncio.TimerHandle | None = None
    _unread: int = 0
    """Bytes that came since the parser last gave something out that is kept elsewhere."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  as uvicorn has it
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES_MAX:
            self._refuse_head()

    def _refuse_head(self) -> None:
        if all(each.over or not each.whole for each in self._requests):
            self.transport.write(HEAD_TOO_LARGE)
        self.transport.close()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._unread = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
        super().on_headers_complete()

    def _expect_head(self) -> None:
        """Close the connection of a client that does not get its request's head together."""
        if self._late is None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unread = 0
        self._expect_head()
        gone = Gone(self.transport.abort)
        self.scope[GONE] = gone  # pyright: ignore[reportGeneralTypeIssues]  a key of our own
        # A client may send its next request before the last one is answered.
        self._requests = [*(each for each in self._requests if not each.over), gone]

    def on_message_complete(self) -> None:
        self._unread = 0
        super().on_message_complete()
        self._requests[-1].whole = True

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()
        for each in self._requests:
            each.leave()


class _Server(uvicorn.Server):
    """Ends in order: first it says that it takes nothing new, then it closes its port.

    Signals are left to `_serve`: uvicorn would raise them again before the node is closed.
    """

    def __init__(self, node: Node) -> None:
        super().__init__(server_config(node.app, node.settings.listen.drain_s))
        self._node = node
        self._signalled = False
        self._draining: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def signalled(self) -> None:
        """Drain; the second time, end at once."""
        if self._signalled:
            self.should_exit = self.force_exit = True
        self._signalled = True
        self.drain()

    def drain(self) -> None:
        """Take nothing new and end when the answers under way have; asked again, go on so."""
        if self._draining is None:
            self._node.drain()
            self._draining = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        """Close the port once nothing is under way any more, or all time for that is over."""
        listen, gate, clock = self._node.settings.listen, self._node.answering.gate, time.monotonic
        began_s = clock()
        answers_until_s, open_until_s = began_s + listen.drain_s, began_s + listen.notice_s
        _log.info("node_drains", in_flight=gate.in_flight, drain_s=listen.drain_s)
        while clock() < open_until_s or (gate.in_flight and clock() < answers_until_s):  # noqa: ASYNC110  once, at the end
            await asyncio.sleep(DRAIN_LOOK_S)
        # What is left is for the answers' last bytes, and for those that never entered the gate.
        self.config.timeout_graceful_shutdown = max(0, math.ceil(answers_until_s - clock()))
        self.should_exit = True


def bind(listen: Listen) -> socket.socket:
    """A listening socket. Raises ConfigError if the address is taken or not ours."""
    host, port = listen.host, listen.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio switches Nagle's delay off: 40 ms on each streamed answer.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(CONNECTIONS_BACKLOG)
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            hint="stop what uses this port, or set another one with [listen] port or --port",
        ) from error
    return bound


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for this interpreter; the standard loop serves too
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
