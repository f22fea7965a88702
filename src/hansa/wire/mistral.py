"""Mistral's fill-in-the-middle endpoint; its answers have the shape of a chat completion.

Source: Mistral API reference, "POST /v1/fim/completions".
"""

from typing import Any

import msgspec

from hansa.wire.openai import Extension


class FimRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: str
    suffix: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    stream: bool | None = False
    metadata: Any = None
    prompt_cache_key: Any = None
    hansa: Extension = Extension()


class ErrorReply(msgspec.Struct, frozen=True):
    message: str
    type: str
    code: str
    param: str | None = None
    object: str = "error"
