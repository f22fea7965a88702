"""TensorRT-LLM (`trtllm-serve`). Not run here.

Source: TensorRT-LLM documentation, "trtllm-serve" and its OpenAI protocol module.
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="trtllm",
    features=frozenset(
        {"chat", "complete", "tools", "json_object", "json_schema", "logprobs", "choices",
         "penalties", "top_k", "seed"}
    ),
)  # fmt: skip
