"""Which engines speak OpenAI's API, by the name that `hansa.toml` gives them."""

from hansa.engines import llama_server, mistral, ollama, openai, sglang, trtllm, vllm, xai
from hansa.engines.quirks import Quirks

COMPATIBLE: dict[str, Quirks] = {
    quirks.kind: quirks
    for quirks in (
        vllm.QUIRKS,
        sglang.QUIRKS,
        trtllm.QUIRKS,
        llama_server.QUIRKS,
        ollama.QUIRKS,
        openai.QUIRKS,
        mistral.QUIRKS,
        xai.QUIRKS,
    )
}
