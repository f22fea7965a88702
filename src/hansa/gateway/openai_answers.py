"""Answers in OpenAI's form: whole, and as a stream of chunks."""

import base64
import struct
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from hansa.core.errors import HansaError
from hansa.gateway.stream import Encoding, events
from hansa.gateway.whole import Choice, Whole
from hansa.wire import openai as wire
from hansa.wire.requests import Chunk, FinishReason, TokenLogprob, Usage
from hansa.wire.tools import ToolCall

DONE = b"data: [DONE]\n\n"

ErrorEvent = Callable[[HansaError], bytes]


def whole_chat(request_id: str, model: str, whole: Whole) -> bytes:
    """A `chat.completion`."""
    choices = tuple([_chat_choice(index, each) for index, each in enumerate(whole.choices)])
    body = wire.ChatCompletion(request_id, now_s(), model, choices, usage(whole.usage))
    return msgspec.json.encode(body)


def text_body(request_id: str, model: str, whole: Whole) -> bytes:
    """A `text_completion`."""
    choices = tuple(
        [
            wire.TextChoice(
                each.text, finish_reason(each.finish), index, _text_logprobs(each.logprobs, 0)
            )
            for index, each in enumerate(whole.choices)
        ]
    )
    body = wire.TextCompletion(request_id, now_s(), model, choices, usage(whole.usage))
    return msgspec.json.encode(body)


def embedding_body(request_id: str, model: str, whole: Whole, encoding_format: str) -> bytes:
    """A list of embeddings, as numbers or as base64 of little-endian float32."""
    data = [
        wire.EmbeddingBody(each if encoding_format == "base64" else _floats(each), index)
        for index, each in enumerate(whole.embeddings)
    ]
    count = whole.usage.prompt_tokens
    used = wire.EmbedUsage(count, count)
    return msgspec.json.encode(wire.EmbeddingList(data, model, used, request_id))


def chat_encoding(
    request_id: str, model: str, asked: wire.ChatRequest, error: ErrorEvent
) -> Encoding:
    """How a chat is streamed."""
    created = now_s()
    emit = events()

    def chunk_of(choice: wire.ChunkChoice) -> bytes:
        return emit(wire.ChatChunk(request_id, created, model, (choice,)))

    def encode(chunk: Chunk) -> bytes:
        out = b""
        delta = _delta(chunk)
        if delta is not None or chunk.logprobs:
            logprobs = _chat_logprobs(chunk.logprobs)
            out += chunk_of(wire.ChunkChoice(delta or wire.Delta(), None, chunk.choice, logprobs))
        ended = chunk.ends or (chunk.finish if (asked.n or 1) == 1 else None)
        if ended:
            out += chunk_of(wire.ChunkChoice(wire.Delta(), finish_reason(ended), chunk.choice))
        if chunk.finish and _wants_usage(asked):
            used = usage(chunk.usage)
            out += emit(wire.ChatChunk(request_id, created, model, (), used))
        return out

    opening = b"".join(
        chunk_of(wire.ChunkChoice(wire.Delta(content="", role="assistant"), None, index))
        for index in range(min(asked.n or 1, 16))
    )
    return Encoding(encode, error, opening, DONE)


def text_encoding(
    request_id: str, model: str, asked: wire.CompletionRequest, error: ErrorEvent
) -> Encoding:
    """How a completion is streamed."""
    created = now_s()
    emit = events()
    offsets: dict[int, int] = {}

    def encode(chunk: Chunk) -> bytes:
        ended = chunk.ends or (chunk.finish if (asked.n or 1) == 1 else None)
        out = b""
        if chunk.text or ended or chunk.logprobs:
            offset = offsets.get(chunk.choice, 0)
            offsets[chunk.choice] = offset + len(chunk.text)
            choice = wire.TextChoice(
                chunk.text,
                finish_reason(ended) if ended else None,
                chunk.choice,
                _text_logprobs(chunk.logprobs, offset),
            )
            out += emit(wire.TextCompletion(request_id, created, model, (choice,)))
        if chunk.finish and _wants_usage(asked):
            out += emit(wire.TextCompletion(request_id, created, model, (), usage(chunk.usage)))
        return out

    return Encoding(encode, error, closing=DONE)


def finish_reason(finish: FinishReason) -> str:
    return "stop" if finish == "cancelled" else finish


def usage(used: Usage | None) -> wire.UsageBody:
    used = used or Usage()
    return wire.UsageBody(
        used.prompt_tokens,
        used.completion_tokens,
        used.prompt_tokens + used.completion_tokens,
        wire.PromptTokensDetails(used.cached_tokens),
    )


def now_s() -> int:
    return int(time.time())


def call_bodies(calls: Iterable[ToolCall]) -> list[wire.ToolCallBody]:
    return [
        wire.ToolCallBody(each.id, wire.FunctionCall(each.name, each.arguments)) for each in calls
    ]


def _chat_choice(index: int, each: Choice) -> wire.ChatChoice:
    message = wire.AssistantMessage(
        content=each.text if each.text or not each.tool_calls else None,
        role="assistant",
        refusal=None,
        tool_calls=call_bodies(each.tool_calls) or None,
        reasoning_content=each.reasoning or None,
    )
    logprobs = _chat_logprobs(each.logprobs)
    return wire.ChatChoice(message, finish_reason(each.finish), index, logprobs)


def _delta(chunk: Chunk) -> wire.Delta | None:
    if not (chunk.text or chunk.reasoning or chunk.tool_calls):
        return None
    calls = [
        wire.ToolCallDelta(
            each.position,
            wire.FunctionDelta(each.name or None, each.arguments),
            each.id or None,
            "function" if each.id else None,
        )
        for each in chunk.tool_calls
    ]
    return wire.Delta(
        content=chunk.text or None,
        tool_calls=calls or None,
        reasoning_content=chunk.reasoning or None,
    )


def _chat_logprobs(logprobs: Sequence[TokenLogprob]) -> wire.ChatLogprobs | None:
    if not logprobs:
        return None
    content = [
        wire.LogprobBody(
            each.token,
            each.logprob,
            _bytes(each.token),
            [wire.TopLogprobBody(token, value, _bytes(token)) for token, value in each.top],
        )
        for each in logprobs
    ]
    return wire.ChatLogprobs(content)


def _text_logprobs(logprobs: Sequence[TokenLogprob], offset: int) -> wire.TextLogprobs | None:
    if not logprobs:
        return None
    offsets: list[int] = []
    for each in logprobs:
        offsets.append(offset)
        offset += len(each.token)
    return wire.TextLogprobs(
        [each.token for each in logprobs],
        [each.logprob for each in logprobs],
        [dict(each.top) for each in logprobs],
        offsets,
    )


def _bytes(token: str) -> list[int]:
    return list(token.encode(errors="surrogatepass"))


def _floats(packed: str) -> list[float]:
    data = base64.b64decode(packed)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def _wants_usage(asked: wire.ChatRequest | wire.CompletionRequest) -> bool:
    return asked.stream_options is not None and asked.stream_options.include_usage is True
