"""Asks one model at an OpenAI-compatible address, a node of a league among them.

Answers are streamed, so that the first text is timed and reading ends when there is enough.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import msgspec

from hansa.core.bounds import BODY_BYTES_MAX, REQUEST_DEADLINE_S
from hansa.core.errors import EngineError, EngineUnavailable, Unauthorized, UserError
from hansa.evals.question import Answer, Question, Sampling, is_enough
from hansa.wire.native import ROUTE_HEADER
from hansa.wire.sse import decode_events

if TYPE_CHECKING:
    import aiohttp

ATTEMPTS_MAX = 4
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 30.0
CONNECT_TIMEOUT_S = 10.0
STOPS_MAX = 4
"""OpenAI takes no more."""


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    """As SDKs take it, `/v1` and all."""
    key: str = field(repr=False)
    model: str = "auto"
    is_node: bool = False
    """A node of a league: it takes pieces of other files apart from the prompt."""


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    text: str | None = None
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Model(msgspec.Struct, frozen=True):
    id: str
    weights_sha256: str = ""


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...]


class _Event(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: Any = None


class Endpoint:
    """Use it as an async context manager."""

    def __init__(self, address: Address, *, deadline_s: float = REQUEST_DEADLINE_S) -> None:
        self.address = address
        self._deadline_s = deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._deadline_s, sock_connect=CONNECT_TIMEOUT_S)
        headers = {"content-type": "application/json"}
        if self.address.key:
            headers["authorization"] = f"Bearer {self.address.key}"
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session
        await self._session.close()

    def named(self, model: str) -> "Endpoint":
        """Ask that model of the same endpoint from now on."""
        self.address = replace(self.address, model=model)
        return self

    async def ask(self, question: Question, sampling: Sampling, number: int = 0) -> Answer:
        """One sample of a question's answer; tries again, a few times, what may work later.

        Raises:
            UserError: the endpoint refuses what it is asked.
            EngineError: it fails, or sends what no such endpoint sends.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._once(question, sampling, number)
            except EngineUnavailable as error:
                if attempt == ATTEMPTS_MAX:
                    raise
                wait_s = error.retry_after_s or RETRY_FIRST_S * 2 ** (attempt - 1)
                await asyncio.sleep(min(wait_s, RETRY_MAX_S))
        raise AssertionError("unreachable")

    async def models(self) -> dict[str, str]:
        """What can be asked here, by name, and the digests of its weights; empty if not said.

        Raises:
            UserError: the endpoint refuses.
            EngineError: it cannot be reached, or lists no models.
        """
        assert self._session, "use Endpoint as a context manager"
        url = self.address.url
        with _connection_errors(url):
            async with self._session.get(url + "/models", allow_redirects=False) as response:
                if response.status != HTTPStatus.OK:
                    raise await _refusal(response, url)
                body = await response.content.read(BODY_BYTES_MAX)
        try:
            data = msgspec.json.decode(body, type=_Models).data
            return {each.id: each.weights_sha256 for each in data}
        except msgspec.DecodeError as error:
            raise EngineError(f"{url} lists no models: {error}") from error

    async def _once(self, question: Question, sampling: Sampling, number: int) -> Answer:
        assert self._session, "use Endpoint as a context manager"
        path = "/chat/completions" if question.kind == "chat" else "/completions"
        body = msgspec.json.encode(request_body(self.address, question, sampling, number))
        started = time.monotonic()
        with _connection_errors(self.address.url):
            response = await self._session.post(
                self.address.url + path, data=body, allow_redirects=False
            )
            try:
                if response.status != HTTPStatus.OK:
                    raise await _refusal(response, self.address.url, question)
                return await _read(response, question, started)
            finally:
                response.close()


def request_body(
    address: Address, question: Question, sampling: Sampling, number: int
) -> dict[str, Any]:
    """What is sent; stops beyond the four that every endpoint takes are left to us."""
    body: dict[str, Any] = {
        "model": address.model,
        "max_tokens": question.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed + number,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if question.stop:
        body["stop"] = list(question.stop[:STOPS_MAX])
    if question.kind == "chat":
        return body | {"messages": [{"role": "user", "content": question.prompt}]}
    if question.suffix:
        body["suffix"] = question.suffix
    if question.suffix and sampling.best_of > 1:
        body["best_of"] = sampling.best_of
        if address.is_node and question.newlines_max == question.begins.count("\n"):
            body["stop"] = ["\n"]  # One line counts, and nothing can be read until all is there.
    own = {"snippets": question.snippets, "begins": question.begins}
    if address.is_node and any(own.values()):
        return body | {"prompt": question.prompt, "hansa": own}
    return body | {"prompt": _as_comments(question) + question.prompt}


def _as_comments(question: Question) -> str:
    """Pieces of other files as a model sees them that knows no other form."""
    lines: list[str] = []
    for each in question.snippets:
        lines += [f"# Compare this snippet from {each.path}:"]
        lines += [f"# {line}".rstrip() for line in each.text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


async def _read(response: "aiohttp.ClientResponse", question: Question, started: float) -> Answer:
    text, finish, first_ms = "", "", 0.0
    usage = _Usage()
    async with contextlib.aclosing(_events(response)) as events:
        async for event in events:
            if event.error:
                raise EngineUnavailable(f"the endpoint broke off: {str(event.error)[:300]}")
            usage = event.usage or usage
            for choice in event.choices:
                piece = choice.text or choice.delta.content or ""
                if piece and not first_ms:
                    first_ms = (time.monotonic() - started) * 1000
                text += piece
                finish = choice.finish_reason or finish
            if is_enough(question, text):
                finish = "enough"
                break
    total_ms = (time.monotonic() - started) * 1000
    return Answer(
        text=_before_stops(text, question.stop),
        finish=finish,
        ttft_ms=round(first_ms or total_ms, 1),
        total_ms=round(total_ms, 1),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        route=response.headers.get(ROUTE_HEADER, ""),
    )


def _before_stops(text: str, stops: tuple[str, ...]) -> str:
    ends = [at for each in stops if (at := text.find(each)) >= 0]
    return text[: min(ends)] if ends else text


async def _events(response: "aiohttp.ClientResponse") -> AsyncGenerator[_Event]:
    async for event in decode_events(response.content.iter_any()):
        if event.data == b"[DONE]":
            return
        try:
            yield msgspec.json.decode(event.data, type=_Event)
        except msgspec.DecodeError as error:
            raise EngineError(f"the endpoint sent no event of a completion: {error}") from error


async def _refusal(
    response: "aiohttp.ClientResponse", url: str, question: Question | None = None
) -> Exception:
    said = _message(await response.content.read(BODY_BYTES_MAX))
    what = f"{url} answered {response.status}: {said}"
    if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Unauthorized(what, hint="check the key: --key-env for --url, --key-file for a node")
    if response.status in (408, 409, 425, 429) or response.status >= 500:
        error = EngineUnavailable(what)
        error.retry_after_s = _seconds(response.headers)
        return error
    suffix = question is not None and question.suffix and "suffix" in said
    return UserError(what, hint="a model that only continues text: --prefix-only" if suffix else "")


def _message(body: bytes) -> str:
    """What an error's body says, in whatever form."""
    try:
        error: Any = msgspec.json.decode(body)["error"]
        return str(error.get("message", error))[:500]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return body[:300].decode(errors="replace")


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["retry-after"])
    except (KeyError, ValueError):
        return None


@contextlib.contextmanager
def _connection_errors(url: str) -> Generator[None]:
    import aiohttp

    try:
        yield
    except TimeoutError as error:
        raise EngineUnavailable(f"{url} took too long") from error
    except aiohttp.ClientError as error:
        raise EngineUnavailable(f"{url} cannot be asked: {error}") from error
