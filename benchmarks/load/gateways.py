"""The gateways under comparison, each started in front of the same upstream on the loopback."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import psutil

from load.features import MEMORY, Feature
from load.league import TIER, write_node
from load.processes import running, wait_until_ready
from load.upstream import DRIP_MODEL
from support.league import free_port
from support.nodes import HANSA

ROOT = Path(__file__).parents[2]
LITELLM = ROOT / ".venv-litellm/bin/litellm"
PORTKEY = ROOT / ".peers/node_modules/@portkey-ai/gateway/build/start-server.js"
LOOPBACK = ROOT / "benchmarks/peers/loopback.cjs"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where requests go, and whose memory counts."""

    name: str
    port: int
    headers: dict[str, str]
    process: psutil.Process
    model: str = "instant"
    drip_model: str = DRIP_MODEL
    path: str = "/v1/chat/completions"

    def body(self, *, stream: bool = False, drip: bool = False) -> bytes:
        question = "Write a function that answers at once."
        asked = {
            "model": self.drip_model if drip else self.model,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": 64,
            "stream": stream,
        }
        return json.dumps(asked).encode()

    def request(self, *, stream: bool = False, drip: bool = False) -> bytes:
        """A whole HTTP request, ready to be sent."""
        body = self.body(stream=stream, drip=drip)
        headers = {
            "host": f"127.0.0.1:{self.port}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **self.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@contextlib.contextmanager
def direct(folder: Path) -> Generator[Gateway]:
    """The upstream itself."""
    port, log = free_port(), folder / "upstream.log"
    command = [sys.executable, "-m", "load.upstream", str(port)]
    with running(command, log, folder=ROOT / "benchmarks") as process:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health", log)
        yield Gateway("direct", port, {"authorization": "Bearer none"}, process)


@contextlib.contextmanager
def hansa(folder: Path, upstream: int, feature: Feature | None = None) -> Generator[Gateway]:
    """A league of one, as `hansa node serve` serves it; `feature` says what is different."""
    port, log, feature = free_port(), folder / "node.log", feature or Feature("")
    config = write_node(folder, port, f"http://127.0.0.1:{upstream}/v1", feature)
    command = [HANSA, "key", "create", "benchmark", "--tier", TIER, "--config", str(config)]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    headers = {"authorization": f"Bearer {made.stdout.strip()}"}
    command = [HANSA, "node", "serve", "--config", str(config)]
    with running(command, log, dict(feature.environment)) as process:
        wait_until_ready(process, f"http://127.0.0.1:{port}/ready", log)
        name = f"hansa, {feature.name}" if feature.name else "hansa"
        yield Gateway(name, port, headers, process, drip_model="drip")
    shutil.rmtree(MEMORY / f"hansa-{port}", ignore_errors=True)


@contextlib.contextmanager
def litellm(folder: Path, upstream: int) -> Generator[Gateway]:
    """LiteLLM's proxy with a key to check, in what its documentation calls production mode."""
    _require(LITELLM)
    port, log, config = free_port(), folder / "litellm.log", folder / "litellm.json"
    engine = {"model": "openai/*", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}
    config.write_text(json.dumps({"model_list": [{"model_name": "*", "litellm_params": engine}]}))
    environment = {
        "LITELLM_MASTER_KEY": "sk-benchmark",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
    }
    command = [str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--telemetry", "False"], log, environment, folder) as process:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health/liveliness", log)
        yield Gateway("litellm", port, {"authorization": "Bearer sk-benchmark"}, process)


@contextlib.contextmanager
def portkey(folder: Path, upstream: int) -> Generator[Gateway]:
    """Portkey's open gateway; it checks no key and keeps no account."""
    _require(PORTKEY)
    port, log = free_port(), folder / "portkey.log"
    headers = {
        "authorization": "Bearer none",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }
    command = ["node", "--require", str(LOOPBACK), str(PORTKEY), "--headless", f"--port={port}"]
    with running(command, log, {"NODE_ENV": "production"}, folder) as process:
        wait_until_ready(process, f"http://127.0.0.1:{port}/", log)
        yield Gateway("portkey", port, headers, process)


GATEWAYS: dict[str, Callable[[Path, int], contextlib.AbstractContextManager[Gateway]]] = {
    "hansa": hansa,
    "portkey": portkey,
    "litellm": litellm,
}


def _require(path: Path) -> None:
    if not path.exists():
        raise SystemExit(f"{path.relative_to(ROOT)} is missing; `make setup-peers` makes it")
