"""FP8 weights of a trained model for vLLM on GPUs that have FP8; not run here (no such GPU).

python recipes/fp8.py MERGED_FOLDER OUT   needs: pip install llmcompressor

Scales of activations are dynamic, so no calibration data is needed; the head stays in 16 bits. What
it costs is measured like any other change: `hansa eval` on both, then `hansa eval compare`.
"""

import sys

from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import QuantizationModifier
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(source: str, target: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(source, dtype="auto")
    scheme = QuantizationModifier(targets="Linear", scheme="FP8_DYNAMIC", ignore=["lm_head"])
    oneshot(model=model, recipe=scheme)
    model.save_pretrained(target, save_compressed=True)
    AutoTokenizer.from_pretrained(source).save_pretrained(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
