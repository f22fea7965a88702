"""SGLang (`sglang.launch_server`). Not run here.

Source: SGLang documentation, "OpenAI APIs - Completions" and "LoRA Serving".
"""

from hansa.engines.quirks import Quirks

QUIRKS = Quirks(
    kind="sglang",
    features=frozenset(
        {"chat", "complete", "prefill", "tools", "json_object", "json_schema", "logprobs",
         "choices", "penalties", "top_k", "seed"}
    ),
    stream_options={"include_usage": True, "continuous_usage_stats": True},
    continues={"continue_final_message": True},
    adapters="loaded",
    load_adapter="/load_lora_adapter",
)  # fmt: skip
