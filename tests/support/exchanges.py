"""What is asked of vLLM, and what it once really answered (`tests/contract/recorded/vllm.json`).

`PYTHONPATH=tests python -m support.exchanges` asks again and writes the recording anew.
"""

import json
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from support.repository import ROOT
from support.vllm import CONTEXT_TOKENS, DENSE, MODEL, TINY, vllm_process

RECORDED = ROOT / "tests/contract/recorded/vllm.json"

METRICS = (
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_hits_total",
    "vllm:num_preemptions_total",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
    "vllm:request_success_total",
    "vllm:lora_requests_info",
)
"""Those of the many that say how busy the engine is."""


class Question(msgspec.Struct, frozen=True):
    name: str
    path: str
    body: dict[str, Any] | None = None


class Exchange(msgspec.Struct, frozen=True):
    name: str
    path: str
    body: dict[str, Any] | None
    status: int
    content_type: str
    answer: str


def recorded(name: str) -> Exchange:
    """One exchange as it was recorded."""
    found = (each for each in msgspec.json.decode(RECORDED.read_bytes(), type=list[Exchange]))
    return next(each for each in found if each.name == name)


def questions() -> list[Question]:
    """In an order in which each finds what it needs, such as an adapter loaded before."""
    return [*_plain(), *_constrained(), *_refused(), *_adapters(), *_about()]


def ask(url: str, question: Question) -> Exchange:
    body = None if question.body is None else json.dumps(question.body).encode()
    request = urllib.request.Request(
        url + question.path, data=body, headers={"content-type": "application/json"}
    )
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        answer = reply.read().decode()
        if question.path == "/metrics":
            lines = answer.splitlines()
            answer = "\n".join(each for each in lines if each.startswith(METRICS)) + "\n"
        return Exchange(
            question.name,
            question.path,
            question.body,
            reply.status or 0,
            reply.headers.get("content-type", ""),
            answer,
        )


def _chat(name: str, **fields: Any) -> Question:
    messages = [{"role": "user", "content": "Write add."}]
    body = {"model": MODEL, "messages": messages, "temperature": 0, "max_tokens": 8, **fields}
    return Question(name, "/v1/chat/completions", body)


def _complete(name: str, prompt: str = "def add(", **fields: Any) -> Question:
    body = {"model": MODEL, "prompt": prompt, "temperature": 0, "max_tokens": 8, **fields}
    return Question(name, "/v1/completions", body)


def _plain() -> list[Question]:
    usage = {"include_usage": True, "continuous_usage_stats": True}
    long = "def add(first, second): return first " * 14
    return [
        _chat("chat"),
        _chat("chat_stream", stream=True, stream_options=usage),
        _chat("chat_stream_without_usage", stream=True),
        _chat("chat_logprobs", logprobs=True, top_logprobs=2),
        _chat("chat_of_two", n=2, seed=1, temperature=1, stream=True, stream_options=usage),
        _complete("completion"),
        _complete("completion_stream", stream=True, stream_options=usage),
        _complete("completion_logprobs", logprobs=2),
        _complete("completion_stopped", prompt="def add", stop=["qu"]),
        _complete("prefix_not_cached", prompt=long),
        _complete("prefix_cached", prompt=long),
    ]


def _constrained() -> list[Question]:
    tool = {
        "type": "function",
        "function": {
            "name": "rename",
            "strict": True,
            "parameters": _object(line={"enum": [3, 4]}, name={"enum": ["row", "rows"]}),
        },
    }
    named = {"type": "function", "function": {"name": "rename"}}
    one = {"tools": [tool], "tool_choice": named, "logit_bias": _no_spaces(), "max_tokens": 120}
    schema = _object(ok={"type": "boolean"}, count={"enum": [1, 2]})
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    return [
        _chat("tool", **one),
        _chat("tool_stream", **one, stream=True, stream_options={"include_usage": True}),
        _chat("tool_cut_short", **{**one, "max_tokens": 20}),
        _chat("json_schema", response_format=wanted, max_tokens=64),
        _complete("choice", structured_outputs={"choice": ["yes", "no"]}),
        _complete("unknown_field_ignored", guided_choice=["yes", "no"]),
    ]


def _refused() -> list[Question]:
    too_much = CONTEXT_TOKENS + 1
    nonsense = {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "no"}}}
    image = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/none.png"}}
    return [
        _complete("prompt_too_long", prompt="word " * CONTEXT_TOKENS),
        _chat("greedy_of_two", n=2),
        _chat("max_tokens_too_many", max_tokens=too_much),
        _complete("no_such_model", model="none"),
        _complete("suffix_refused", suffix="return"),
        _complete("too_many_logprobs", logprobs=100),
        _complete("temperature_below_zero", temperature=-1),
        _chat("schema_that_is_none", response_format=nonsense),
        _chat("image_refused", messages=[{"role": "user", "content": [image]}]),
        Question("no_messages", "/v1/chat/completions", {"model": MODEL}),
        Question("no_such_endpoint", "/v1/embeddings", {"model": MODEL, "input": "def add"}),
    ]


def _adapters() -> list[Question]:
    load, unload = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
    return [
        Question("adapter_loaded", load, {"lora_name": "house", "lora_path": "lora"}),
        Question("adapter_loaded_twice", load, {"lora_name": "house", "lora_path": "lora"}),
        Question("adapter_not_there", load, {"lora_name": "other", "lora_path": "nowhere"}),
        Question("models", "/v1/models"),
        _complete("adapter_asked", model="house"),
        Question("adapter_unloaded", unload, {"lora_name": "house"}),
        Question("adapter_unloaded_twice", unload, {"lora_name": "house"}),
        _complete("adapter_gone", model="house"),
    ]


def _about() -> list[Question]:
    return [
        Question("tokenize", "/tokenize", {"model": MODEL, "prompt": "def add("}),
        Question("version", "/version"),
        Question("health", "/health"),
        Question("metrics", "/metrics"),
    ]


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _no_spaces() -> dict[str, int]:
    """Keeps a model that knows nothing from filling its JSON with spaces (byte-level signs)."""
    words = json.loads((TINY / "mistral/tokenizer.json").read_bytes())["model"]["vocab"]
    return {str(number): -100 for word, number in words.items() if set(word) <= set("ĠĊĉč")}


def _record() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        vllm_process("mistral", Path(folder) / "vllm.log", *DENSE) as server,
    ):
        exchanges = [ask(server.url, each) for each in questions()]
    RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(exchanges), indent=1) + b"\n")


if __name__ == "__main__":
    _record()
