"""Closed-loop load by wrk: each connection asks again as soon as it is answered."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from load.gateways import Gateway

_SCRIPT = """\
wrk.method = "POST"
wrk.path = {path}
wrk.headers = {{ {headers} }}
wrk.body = {body}
done = function(summary, latency)
  local failed = 0
  for _, count in pairs(summary.errors) do failed = failed + count end
  io.write(string.format(
    "%d %d %d %f %f\\n",
    summary.requests, failed, summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw."""

    per_second: float
    median_ms: float
    p99_ms: float


def load(gateway: Gateway, connections: int, seconds: float, folder: Path) -> Load:
    """Load `gateway` with one thread. Raises RuntimeError if any answer is missing or not 2xx."""
    headers = {**gateway.headers, "content-type": "application/json"}
    script = folder / "wrk.lua"
    script.write_text(
        _SCRIPT.format(
            path=json.dumps(gateway.path),
            headers=", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()),
            body=f"[==[{gateway.body().decode()}]==]",
        )
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "--timeout", "10"]
    command += ["-s", str(script), f"http://127.0.0.1:{gateway.port}"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stderr or done.stdout}")
    requests, failed, duration_us, median_us, p99_us = done.stdout.splitlines()[-1].split()
    if int(failed):
        raise RuntimeError(f"{gateway.name}: {failed} of {requests} requests failed")
    return Load(
        per_second=int(requests) / (int(duration_us) / 1e6),
        median_ms=float(median_us) / 1000,
        p99_ms=float(p99_us) / 1000,
    )
