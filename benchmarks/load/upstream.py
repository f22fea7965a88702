"""An engine that answers at once: OpenAI's chat completions with the least work that can be done.

`python -m load.upstream PORT` serves until SIGTERM. The model's name chooses: `drip-MS-N` streams N
pieces, one every MS milliseconds; any other name is answered whole, in one write.
"""

import asyncio
import functools
import re
import signal
import sys

import httptools
import msgspec
import uvloop

BODY_MAX_BYTES = 1 << 20
DRIP = re.compile(r"drip-(\d{1,5})-(\d{1,4})")
DRIP_MODEL = "drip-500-20"
"""Ten seconds, two pieces a second."""

PIECES = ("def ", "answer", "():")


class Asked(msgspec.Struct):
    model: str = "instant"
    stream: bool = False


class Upstream(asyncio.Protocol):
    """One connection, kept alive; answers to pipelined requests follow each other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._path = b""
        self._drip: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  TCP gives this

    def connection_lost(self, exc: Exception | None) -> None:
        if self._drip:
            self._drip.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        if sum(map(len, self._body)) > BODY_MAX_BYTES:
            self._transport.close()

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        if self._path.endswith(b"/chat/completions"):
            self._answer(msgspec.json.decode(body, type=Asked))
        elif self._path.endswith(b"/models"):
            models = {"object": "list", "data": [{"id": "instant", "object": "model"}]}
            self._transport.write(_whole(models))
        else:
            self._transport.write(_whole({"status": "ok"}))
        if not self._parser.should_keep_alive() and not self._drip:
            self._transport.close()

    def _answer(self, asked: Asked) -> None:
        drip = DRIP.fullmatch(asked.model)
        if not asked.stream:
            self._transport.write(_completion(asked.model))
        elif not drip:
            self._transport.write(_stream(asked.model))
        else:
            self._transport.write(_STREAM_HEAD)
            self._drop(asked.model, int(drip[1]) / 1000, int(drip[2]), int(drip[2]))

    def _drop(self, model: str, interval_s: float, pieces: int, left: int) -> None:
        if left == 0:
            self._transport.write(_chunked(_events_after(model, pieces)) + b"0\r\n\r\n")
            return
        self._transport.write(_chunked(_event(model, "piece ")))
        later = asyncio.get_running_loop().call_later
        self._drip = later(interval_s, self._drop, model, interval_s, pieces, left - 1)


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


@functools.cache
def _completion(model: str) -> bytes:
    message = {"role": "assistant", "content": "".join(PIECES)}
    return _whole(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(len(PIECES)),
        }
    )


@functools.cache
def _stream(model: str) -> bytes:
    """Head, the pieces, usage and the end, all in one write."""
    pieces = b"".join(_event(model, piece) for piece in PIECES)
    return _STREAM_HEAD + _chunked(pieces + _events_after(model, len(PIECES))) + b"0\r\n\r\n"


def _events_after(model: str, tokens: int) -> bytes:
    usage = {**_chunk(model), "choices": [], "usage": _usage(tokens)}
    return _event(model, "", "stop") + _data(usage) + b"data: [DONE]\n\n"


@functools.lru_cache(64)
def _event(model: str, piece: str, finish: str | None = None) -> bytes:
    delta = {"role": "assistant", "content": piece} if piece else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data({**_chunk(model), "choices": [choice]})


def _chunk(model: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}


def _data(value: object) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole(value: object) -> bytes:
    body = msgspec.json.encode(value)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, ended.set)
    server = await loop.create_server(Upstream, "127.0.0.1", port, backlog=2048)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
