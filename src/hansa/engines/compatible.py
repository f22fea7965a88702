"""An engine that speaks OpenAI's API, whoever runs it; what differs is in its `Quirks`."""

import array
import base64
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from hansa.core.errors import EngineError, EngineUnavailable, HansaError
from hansa.engines.base import EngineState
from hansa.engines.bodies import chat_body, embed_body, middle_body, prompt_body
from hansa.engines.events import EventReader, error_text
from hansa.engines.http import HttpClient, HttpReply
from hansa.engines.quirks import Quirks
from hansa.engines.refusals import ERROR_BYTES_MAX, refusal
from hansa.engines.watch import HOSTED_INTERVAL_S, INTERVAL_S, Watch
from hansa.observe import traces
from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Request, Usage
from hansa.wire.sse import Decoder

EMBEDDINGS_BYTES_MAX = 64 * 1024 * 1024
CHARS_PER_TOKEN = 3.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibleConfig:
    """One replica behind an address."""

    name: str
    url: str
    """Base address as the SDKs take it, such as `http://127.0.0.1:8000/v1`."""
    model: str
    """The league's name of the model."""
    upstream_model: str
    """The engine's name of it."""
    api_key: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict[str, str])
    """The league's name of each adapter to its path, or id, at the engine."""


class Compatible:
    """One replica: an engine at an address, asked over HTTP."""

    def __init__(
        self,
        config: CompatibleConfig,
        quirks: Quirks,
        *,
        features: frozenset[Feature],
        render: Callable[[Request], str],
        stop: tuple[str, ...] = (),
    ) -> None:
        """`render` writes the prompt of a completion; `stop` always ends one."""
        self._config = config
        self._quirks = quirks
        self._features = features
        self._render = render
        self._stop = stop
        key = [("authorization", f"Bearer {config.api_key}")] if config.api_key else []
        self._http = HttpClient(config.url, [*key, ("content-type", "application/json")])
        self._base = self._http.origin.base
        self._watch = Watch(
            config.name,
            self._http.reach if quirks.hosted else self._ask_health,
            where=self._http.origin.authority,
            interval_s=HOSTED_INTERVAL_S if quirks.hosted else INTERVAL_S,
            found=self._load_adapters,
        )
        self._http.on_trouble = self._watch.doubt

    @property
    def features(self) -> frozenset[Feature]:
        return self._features

    def state(self) -> EngineState:
        return self._watch.state

    def problem(self) -> str:
        return self._watch.problem

    async def start(self) -> None:
        """Begin to watch the engine; a hosted API counts as ready until it cannot be reached."""
        self._watch.start("ready" if self._quirks.hosted else "starting")

    async def close(self) -> None:
        await self._watch.close()
        await self._http.close()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        if request.inputs:
            yield await self._embed(request)
            return
        path, body = self._asked(request)
        reply = await self._send(path, msgspec.json.encode(body))
        try:
            if reply.status != 200:
                raise await refusal(reply, self._config.name, self._quirks.too_long)
            reader = EventReader(request, max(1, round(request.prompt_chars() / CHARS_PER_TOKEN)))
            decoder = Decoder()
            while not reader.done and (data := await reply.some()):
                for chunk in reader.read(decoder.feed(data)):
                    yield chunk
            last = reader.last()
            reply.finish()
        except BaseException:  # also when the reader leaves: the engine must stop at once
            reply.abort()
            raise
        yield last

    async def _send(self, path: str, body: bytes) -> HttpReply:
        # A provider writes no spans that its customer could read.
        trace = () if self._quirks.hosted else traces.passed_on()
        return await self._http.send("POST", self._base + path, body, trace)

    def _asked(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Path and body of a request for text."""
        model, quirks = self._named(request), self._quirks
        if request.messages:
            return quirks.chat, self._with_adapter(request, chat_body(request, model, quirks))
        request = self._stopping(request)
        if quirks.fim and (request.suffix or not quirks.complete):
            return quirks.fim, middle_body(request, model, request.prefix, quirks)
        body = prompt_body(request, model, self._render(request), quirks)
        return quirks.complete, self._with_adapter(request, body)

    def _named(self, request: Request) -> str:
        if request.model in self._config.adapters and self._quirks.adapters != "scaled":
            return request.model if self._quirks.adapters else self._config.adapters[request.model]
        return self._config.upstream_model

    def _with_adapter(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        if self._quirks.adapters == "scaled" and self._config.adapters:
            # Every adapter is named, so that one left over from another request is off.
            body["lora"] = [
                {"id": int(number), "scale": 1.0 if name == request.model else 0.0}
                for name, number in self._config.adapters.items()
            ]
        return body

    def _stopping(self, request: Request) -> Request:
        if not self._stop:
            return request
        stop = (*request.sampling.stop, *self._stop)
        sampling = msgspec.structs.replace(request.sampling, stop=stop)
        return msgspec.structs.replace(request, sampling=sampling)

    async def _embed(self, request: Request) -> Chunk:
        body = msgspec.json.encode(embed_body(request, self._named(request)))
        reply = await self._send(self._quirks.embed, body)
        try:
            if reply.status != 200:
                raise await refusal(reply, self._config.name, self._quirks.too_long)
            said = _decode_embeddings(await reply.whole(EMBEDDINGS_BYTES_MAX))
        except BaseException:  # also when the caller leaves: nobody reads the rest
            reply.abort()
            raise
        vectors = sorted(said.data, key=lambda each: each.index)
        if len(vectors) != len(request.inputs):
            raise EngineError(f"{len(request.inputs)} texts went in, {len(vectors)} vectors came")
        return Chunk(
            finish="stop",
            usage=Usage(said.usage.prompt_tokens, 0),
            embeddings=tuple(_packed(each.embedding) for each in vectors),
        )

    async def _ask_health(self) -> None:
        reply = await self._http.send("GET", self._quirks.health)
        await reply.whole(ERROR_BYTES_MAX)
        if reply.status != 200:
            raise EngineUnavailable(f"{self._quirks.health} answered {reply.status}")

    async def _load_adapters(self) -> None:
        """Have the engine load each adapter; one it has already is refused, and that is well."""
        if self._quirks.adapters != "loaded":
            return
        for name, path in self._config.adapters.items():
            body = msgspec.json.encode({"lora_name": name, "lora_path": path})
            with contextlib.suppress(HansaError):
                reply = await self._http.send("POST", self._quirks.load_adapter, body)
                said = error_text(await reply.whole(ERROR_BYTES_MAX))
                if reply.status != 200 and "already" not in said:
                    _log.error(
                        "adapter_not_loaded",
                        replica=self._config.name,
                        adapter=name,
                        error=f"{reply.status}: {said}",
                    )


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _EmbedUsage(msgspec.Struct):
    prompt_tokens: int = 0


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]
    usage: _EmbedUsage = msgspec.field(default_factory=_EmbedUsage)


def _decode_embeddings(body: bytes) -> _Embeddings:
    try:
        return msgspec.json.decode(body, type=_Embeddings)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EngineError(f"the engine sent embeddings that are none: {error}") from error


def _packed(vector: list[float]) -> str:
    values = array.array("f", vector)
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode()
