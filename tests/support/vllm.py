"""A real vLLM on two cores, serving a tiny model of random weights: nonsense, really served."""

import contextlib
import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import psutil

from support.league import free_port
from support.nodes import status_of, wait_for
from support.repository import ROOT

VENV = ROOT / ".venv-vllm"
TINY = VENV / "tiny"
MODEL = "tiny"
CONTEXT_TOKENS = 512
READY_TIMEOUT_S = 110.0
STOP_TIMEOUT_S = 15.0

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # The first request for log probabilities would compile for 13 s.
    "TORCH_COMPILE_DISABLE": "1",
    # With one process less, which only imports for half of the start.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
}

OPTIONS = (
    "--enforce-eager",
    "--dtype=float32",
    f"--max-model-len={CONTEXT_TOKENS}",
    "--max-num-seqs=8",
    "--num-gpu-blocks-override=64",
    "--distributed-executor-backend=uni",
    "--enable-prefix-caching",
    "--enable-prompt-tokens-details",
    "--uvicorn-log-level=warning",
    # Else a model that knows nothing fills its JSON with spaces.
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
)

DENSE = (
    "--enable-lora",
    "--max-lora-rank=8",
    "--enable-auto-tool-choice",
    "--tool-call-parser=hermes",
)
"""What only the dense model is served with."""


@dataclass(frozen=True, slots=True)
class VllmServer:
    """A running `vllm serve`, in the folder of the tiny models; `adapter` is not loaded yet."""

    url: str
    model: str
    adapter: Path


def missing() -> str:
    """Why there is no vLLM to start; empty if there is one."""
    if (VENV / ".done").exists():
        return ""
    return "vLLM is not set up; `scripts/setup-vllm.sh` does it"


def tiny_models() -> Path:
    """The folder of the tiny models, made when it is missing or older than their recipe."""
    recipe, done = ROOT / "tests/support/vllm_models.py", TINY / ".done"
    if not done.exists() or done.stat().st_mtime < recipe.stat().st_mtime:
        made = subprocess.run(
            [str(VENV / "bin/python"), str(recipe), str(TINY)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        done.touch()
    return TINY


@contextlib.contextmanager
def vllm_process(architecture: str, log: Path, *options: str) -> Generator[VllmServer]:
    """Serve the tiny model of an architecture until the block ends."""
    models, port = tiny_models(), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(VENV / "bin/vllm"), "serve", architecture]
    command += [f"--served-model-name={MODEL}", "--host=127.0.0.1", f"--port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *OPTIONS, *options],
            stdout=output,
            stderr=output,
            cwd=models,
            env={**os.environ, **ENVIRONMENT},
        )

    def ready() -> bool:
        assert process.poll() is None, f"vLLM ended:\n{log.read_text()[-4000:]}"
        return status_of(f"{url}/health") == 200

    try:
        wait_for(ready, READY_TIMEOUT_S)
        yield VllmServer(url, MODEL, models / "lora")
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL to what is left of its tree."""
    tree = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for each in psutil.wait_procs(tree, timeout=5)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
