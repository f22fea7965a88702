"""Open-loop load: requests leave at a constant rate, however long the answers take.

A closed loop waits for a slow answer and so hides how many requests it would have delayed; here
each request has its due time and its latency counts from then. The generator is a process of its
own: `python -m load.paced` reads a `Plan` from stdin and writes a `Paced` to stdout, as JSON.
"""

import gc
import select
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

from load.http import is_whole

CONNECTIONS = 64
WARM_UP_S = 1.0
DRAIN_S = 10.0


class Plan(msgspec.Struct, frozen=True):
    port: int
    request: str
    per_second: float
    seconds: float


class Paced(msgspec.Struct, frozen=True):
    """What the requests after the warm-up saw."""

    count: int
    median_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


def pace(plan: Plan) -> Paced:
    """Run the generator as a process. Raises RuntimeError if an answer is missing or not 200."""
    done = subprocess.run(
        [sys.executable, "-m", "load.paced"],
        input=msgspec.json.encode(plan),
        capture_output=True,
        timeout=plan.seconds + WARM_UP_S + DRAIN_S + 30,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return msgspec.json.decode(done.stdout, type=Paced)


class _Generator:
    def __init__(self, plan: Plan) -> None:
        self._plan, self._request = plan, plan.request.encode()
        self._idle = deque(_connect(plan.port) for _ in range(CONNECTIONS))
        self._busy: dict[socket.socket, tuple[float, bytearray]] = {}
        self.taken_s: list[float] = []

    def run(self) -> None:
        """Send what is due, read what has come, until all is answered."""
        interval_s = 1 / self._plan.per_second
        due = time.perf_counter()
        end = due + WARM_UP_S + self._plan.seconds
        while due < end or self._busy:
            now = time.perf_counter()
            while due <= now and due < end and self._idle:
                self._send(self._idle.popleft(), due)
                due += interval_s
            if now > end + DRAIN_S:
                raise RuntimeError(f"no answer {DRAIN_S} s after the last request")
            self._read(max(0.0, due - time.perf_counter()) if self._idle and due < end else 0.05)

    def _send(self, connection: socket.socket, due: float) -> None:
        connection.sendall(self._request)
        self._busy[connection] = (due, bytearray())

    def _read(self, wait_s: float) -> None:
        readable, _, _ = select.select(list(self._busy), [], [], wait_s)
        for connection in readable:
            due, answer = self._busy[connection]
            received = connection.recv(1 << 16)
            if not received:
                raise RuntimeError("the gateway closed a connection before its answer was whole")
            answer += received
            if is_whole(answer):
                self.taken_s.append(time.perf_counter() - due)
                del self._busy[connection]
                self._idle.append(connection)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    generator = _Generator(plan)
    gc.disable()  # its pauses would count as the gateway's
    generator.run()
    warm = generator.taken_s[int(plan.per_second * WARM_UP_S) :]
    taken_ms = sorted(1000 * each for each in warm)
    at = [taken_ms[int(len(taken_ms) * q)] for q in (0.5, 0.99, 0.999)]
    result = Paced(len(taken_ms), *at, max(taken_ms))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    _main()
