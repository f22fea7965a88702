"""Prompts that end in white space make small models stumble: cut it off, then take it back.

The model is shown the text without the last indentation and the newline before it; what it
generates must first repeat what was cut. (Measured: docs/log.md.)
"""


def cut(prefix: str) -> tuple[str, str]:
    """Split text before the cursor into what the model sees and what it must repeat."""
    kept = prefix.rstrip(" \t")
    kept = kept.removesuffix("\n")
    if not kept.strip():
        return prefix, ""
    return kept, prefix[len(kept) :]


def heal(generated: str, typed: str) -> str | None:
    """What is new in `generated` after `typed`; None when it contradicts what was typed.

    While less than `typed` has arrived, and it agrees so far, this is the empty string.
    """
    if generated.startswith(typed):
        return generated[len(typed) :]
    return "" if typed.startswith(generated) else None
