"""One HTTP request as the API's endpoints see it, straight from ASGI."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from hansa.core.bounds import BODY_BYTES_MAX
from hansa.core.deadline import Deadline
from hansa.core.errors import UserError

BODY_TIMEOUT_S = 30.0
LENGTH_DIGITS = 15
"""Of an announced length, more than any that is taken has."""
PASS_OVER_S = 2.0
PASS_OVER_BYTES_MAX = 16 * BODY_BYTES_MAX
GONE = "hansa.gone"
"""Key of the scope under which the server leaves a `Gone`."""

JSON = "application/json"


class TooSlow(UserError):
    code = "request_timeout"
    status = 408


class TooLarge(UserError):
    code = "request_too_large"
    status = 413


class WrongMethod(UserError):
    """`headers` name the methods that the path has."""

    code = "method_not_allowed"
    status = 405


class ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


class Gone:
    """Whether the client left; whoever works for it is cancelled at that moment."""

    __slots__ = ("_worker", "cut", "left", "over", "whole")

    def __init__(self, cut: Callable[[], None]) -> None:
        self.cut = cut
        """Breaks the connection off, without what still waits to be sent."""
        self.whole = False
        """All of the request has arrived."""
        self.left = False
        self.over = False
        """The request is answered, or given up."""
        self._worker: asyncio.Task[Any] | None = None

    def cancels(self, worker: asyncio.Task[Any] | None) -> None:
        """Cancel `worker` when the client leaves; None: it is over, nobody any more."""
        self._worker, self.over = worker, worker is None
        if worker is not None and self.left:
            worker.cancel()

    def leave(self) -> None:
        """Called by the server when the connection is lost."""
        self.left = True
        if self._worker is not None:
            self._worker.cancel()


@dataclass(slots=True)
class Call:
    """One request."""

    scope: Scope
    receive: Receive
    send: Send
    path_rest: str = ""
    """What follows a path that ends in a parameter."""
    failed: bool = False
    """An answer that had begun ended in an error."""
    _body: bytes | None = field(default=None, repr=False)
    _headers: dict[bytes, bytes] | None = field(default=None, repr=False)

    @property
    def method(self) -> str:
        return self.scope["method"]

    @property
    def path(self) -> str:
        return self.scope["path"]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))

    def header(self, name: str) -> str:
        """The value of a header, by its name in lower case; empty if it was not sent."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers.get(name.encode(), b"").decode("latin-1")

    def secret(self) -> str:
        """The API key: a bearer token, or Anthropic's header."""
        scheme, _, secret = self.header("authorization").partition(" ")
        if scheme.lower() == "bearer":
            return secret.strip()
        return self.header("x-api-key").strip()

    async def body(self) -> bytes:
        """The whole body, at most `BODY_BYTES_MAX` of it, in at most `BODY_TIMEOUT_S`.

        Raises:
            TooLarge, TooSlow: it is not.
            UserError: it is compressed.
            ClientLeft: it never came.
        """
        if self._body is None:
            if (coding := self.header("content-encoding").lower()) not in {"", "identity"}:
                said = f"the request's body is in the content-encoding {coding!r}, not read here"
                raise UserError(said, hint="send it as it is")
            if (length := self.header("content-length")).isdecimal():
                _check_length(int(length[:LENGTH_DIGITS]))
            self._body = await self._read()
        return self._body

    async def _read(self) -> bytes:
        first = await self._first_part()
        if not first.get("more_body"):
            return _bounded(first.get("body", b""))
        data = bytearray(first.get("body", b""))
        try:
            with Deadline(BODY_TIMEOUT_S):
                more = True
                while more and len(data) <= BODY_BYTES_MAX:
                    part = _part(await self.receive())
                    data += part.get("body", b"")
                    more = part.get("more_body", False)
        except TimeoutError:
            raise TooSlow(f"the request's body did not arrive in {BODY_TIMEOUT_S:g} s") from None
        return _bounded(bytes(data))

    async def pass_over(self) -> None:
        """Read what still comes of a request that is refused, within bounds.

        A connection that is closed on a client who still writes is reset, and the refusal lost.
        """
        passed, gone = 0, self.scope.get(GONE)
        with contextlib.suppress(TimeoutError), Deadline(PASS_OVER_S):
            while gone is not None and not gone.whole and passed < PASS_OVER_BYTES_MAX:
                passed += len(_part(await self.receive()).get("body", b""))

    async def _first_part(self) -> Mapping[str, Any]:
        gone: Gone | None = self.scope.get(GONE)
        if gone is not None and gone.whole:
            return _part(await self.receive())
        try:
            with Deadline(BODY_TIMEOUT_S):
                return _part(await self.receive())
        except TimeoutError:
            raise TooSlow(f"the request's body did not arrive in {BODY_TIMEOUT_S:g} s") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = JSON

    async def send(self, call: Call) -> None:
        lines = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", b"%d" % len(self.body)),
        ]
        lines += header_lines(self.headers)
        start = {"type": "http.response.start", "status": self.status, "headers": lines}
        await call.send(start)
        await call.send({"type": "http.response.body", "body": self.body})


def header_lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _part(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if message["type"] == "http.disconnect":
        raise ClientLeft
    return message


def _bounded(data: bytes) -> bytes:
    _check_length(len(data))
    return data


def _check_length(length: int) -> None:
    """In bytes, as announced, before anything is read, or as it turned out."""
    if length > BODY_BYTES_MAX:
        raise TooLarge(f"the request's body is over {BODY_BYTES_MAX} bytes", hint="send less text")
