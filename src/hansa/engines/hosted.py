"""An engine behind a provider's own API; what is said and how it is read is in its `Speech`."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from hansa.engines.base import EngineState
from hansa.engines.http import Headers, HttpClient
from hansa.engines.refusals import refusal
from hansa.engines.watch import HOSTED_INTERVAL_S, Watch
from hansa.wire.features import Feature
from hansa.wire.requests import Chunk, Request


class Reader(Protocol):
    """Turns the bytes of one answer into chunks."""

    @property
    def done(self) -> bool:
        """The engine said that this was all."""
        ...

    def read(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises EngineError."""
        ...

    def last(self) -> Chunk:
        """The end of the answer. Raises EngineError for one that has none."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the API."""

    path: str
    """All of it, base included; percent-encoded."""
    body: bytes
    headers: Headers = ()


class Speech(Protocol):
    """How one provider is asked, and how its answers are read."""

    @property
    def too_long(self) -> tuple[str, ...]:
        """What its error says when a prompt does not fit."""
        ...

    def ask(self, request: Request) -> Asked: ...

    def reader(self, request: Request) -> Reader: ...


class Hosted:
    """One replica: a model that a provider serves; ready as long as the provider can be reached."""

    def __init__(
        self, name: str, http: HttpClient, speech: Speech, features: frozenset[Feature]
    ) -> None:
        self._name = name
        self._http = http
        self._speech = speech
        self._features = features
        where = http.origin.authority
        self._watch = Watch(name, http.reach, where=where, interval_s=HOSTED_INTERVAL_S)
        http.on_trouble = self._watch.doubt

    @property
    def features(self) -> frozenset[Feature]:
        return self._features

    def state(self) -> EngineState:
        return self._watch.state

    def problem(self) -> str:
        return self._watch.problem

    async def start(self) -> None:
        self._watch.start("ready")

    async def close(self) -> None:
        await self._watch.close()
        await self._http.close()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk]:
        asked = self._speech.ask(request)
        reply = await self._http.send("POST", asked.path, asked.body, asked.headers)
        try:
            if reply.status != 200:
                raise await refusal(reply, self._name, self._speech.too_long)
            reader = self._speech.reader(request)
            while not reader.done and (data := await reply.some()):
                for chunk in reader.read(data):
                    yield chunk
            last = reader.last()
            reply.finish()
        except BaseException:  # also when the reader leaves: the engine must stop at once
            reply.abort()
            raise
        yield last
