"""The process that holds llama.cpp, asked directly: what only its own answers say."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import msgspec

from hansa.engines.llamacpp_child import LlamaCppConfig

GREEDY = {"temperature": 0, "samplers": ["top_k"], "top_k": 1, "cache_prompt": True}
"""As the engine asks for the likeliest tokens."""


@contextlib.contextmanager
def serving(config: LlamaCppConfig) -> Iterator[str]:
    """The address of a child that has loaded its model."""
    child = subprocess.Popen(
        [sys.executable, "-m", "hansa.engines.llamacpp_child"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    with child:
        child.stdin.write(msgspec.json.encode(config) + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
        assert line, "llama.cpp ended while loading"
        try:
            yield json.loads(line)["url"]
        finally:
            child.stdin.close()  # Which ends it.


def asked(url: str, prompt: str, **more: object) -> dict:
    """What llama.cpp answers to a prompt, greedy."""
    request = urllib.request.Request(
        f"{url}/completion", json.dumps({"prompt": prompt, **GREEDY, **more}).encode(),
        {"content-type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=200) as reply:
        return json.loads(reply.read())
