"""vLLM (`vllm serve`).

Source: vLLM 0.32 documentation, "OpenAI-Compatible Server" and "LoRA Adapters".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="vllm",
    features=frozenset(
        {"chat", "complete", "prefill", "tools", "json_object", "json_schema", "logprobs",
         "choices", "penalties", "top_k", "seed"}
    ),
    # Counts in every event, so that a client that leaves is metered exactly.
    stream_options={"include_usage": True, "continuous_usage_stats": True},
    continues={"continue_final_message": True, "add_generation_prompt": False},
    adapters="loaded",
    load_adapter="/v1/load_lora_adapter",
)  # fmt: skip
"""It refuses `suffix`: fill-in-the-middle is rendered here and sent as a plain prompt."""
