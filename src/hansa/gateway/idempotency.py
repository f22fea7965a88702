"""A request sent again with the same `Idempotency-Key` gets the first one's answer, not another.

Source: IETF draft "The Idempotency-Key HTTP Header Field". Answers are kept in memory, for a while
and up to a size: what a restart or a very long answer costs is a second generation, never a wrong
answer. Each caller has a share of that room, so that one who floods it loses only answers of its
own; what is being answered is never forgotten.
"""

from collections import OrderedDict
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from hansa.accounts.keys import KeyRing
from hansa.core.clock import Clock
from hansa.core.digests import sha256_hex
from hansa.core.errors import HansaError, UserError
from hansa.gateway.call import Call
from hansa.gateway.door import ErrorForm, Sendable, door
from hansa.gateway.router import Route

HEADER = "idempotency-key"
KEPT_S = 600.0
ANSWERS_MAX = 1024
ANSWER_BYTES_MAX = 1024 * 1024
ALL_BYTES_MAX = 64 * 1024 * 1024
CALLER_ANSWERS_MAX = ANSWERS_MAX // 4
CALLER_BYTES_MAX = ALL_BYTES_MAX // 4
NAME_CHARS_MAX = 255

Message = MutableMapping[str, Any]
Name = tuple[str, str, str]
"""Caller, the header's value, path."""


class InProgress(HansaError):
    """The first request with this key has not been answered yet."""

    code = "idempotency_in_progress"
    status = 409
    retryable = True


class OtherRequest(UserError):
    """This key came with another body before."""

    code = "idempotency_mismatch"
    status = 422


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer as it went out."""

    body_sha256: str
    until_s: float
    messages: list[Message]
    size: int


@dataclass(slots=True)
class _Share:
    """What is kept for one caller, oldest first."""

    names: OrderedDict[Name, None] = field(default_factory=OrderedDict[Name, None])
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Replay:
    """Sends what was sent before."""

    messages: list[Message]

    async def send(self, call: Call) -> None:
        for message in self.messages:
            await call.send(message)


class Replays:
    """What was answered lately to requests that carried a key."""

    def __init__(self, keys: KeyRing, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._begun: dict[Name, str] = {}
        """Digests of the bodies that are being answered; as many as there are connections."""
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        self._shares: dict[str, _Share] = {}
        self._bytes = 0

    def guard(self, routes: Iterable[Route], form: ErrorForm) -> list[Route]:
        """The routes; those that take POST honour the header. `form` is their dialect's error."""
        return [each if each.method != "POST" else self._guarded(each, form) for each in routes]

    def _guarded(self, route: Route, form: ErrorForm) -> Route:
        async def once(call: Call) -> Sendable:
            name, digest = self.name_of(call), sha256_hex(await call.body())
            known = self.find(name, digest)
            if known is None:
                self.begin(name, digest)
            return known or _First(self, name, route)

        guarded = door(once, form)

        async def handle(call: Call) -> None:
            await (guarded if call.header(HEADER) else route.handler)(call)

        return Route(route.method, route.path, handle)

    def find(self, name: Name, body_sha256: str) -> _Replay | None:
        """What was sent to the first request of this name; None if this is the first.

        Raises:
            OtherRequest, InProgress: it was another request, or is being answered.
        """
        now_s = self._clock.monotonic_s()
        while self._kept and next(iter(self._kept.values())).until_s <= now_s:
            self._drop(next(iter(self._kept)))
        known = self._kept.get(name)
        first_sha256 = known.body_sha256 if known else self._begun.get(name)
        if first_sha256 is None:
            return None
        if first_sha256 != body_sha256:
            raise OtherRequest(
                f"the {HEADER} {name[1]!r} came with another request before",
                hint="use a new key for each request",
            )
        if known is None:
            raise InProgress(f"the request with the {HEADER} {name[1]!r} is being answered")
        return _Replay(known.messages)

    def begin(self, name: Name, body_sha256: str) -> None:
        """Hold the name's place while its request is answered; `end` gives it back."""
        self._begun[name] = body_sha256

    def end(self, name: Name, record: "_Record | None") -> None:
        """Keep what was sent, or forget the name so that it can be tried again."""
        body_sha256 = self._begun.pop(name, None)
        if body_sha256 is None or record is None:
            return
        if not record.whole or record.size > ANSWER_BYTES_MAX:
            return
        until_s = self._clock.monotonic_s() + KEPT_S
        self._kept[name] = _Kept(body_sha256, until_s, record.messages, record.size)
        share = self._shares.setdefault(name[0], _Share())
        share.names[name] = None
        share.size += record.size
        self._bytes += record.size
        while len(share.names) > CALLER_ANSWERS_MAX or share.size > CALLER_BYTES_MAX:
            self._drop(next(iter(share.names)))
        while len(self._kept) > ANSWERS_MAX or self._bytes > ALL_BYTES_MAX:
            self._drop(next(iter(self._kept)))

    def name_of(self, call: Call) -> Name:
        """Names are each caller's own. Raises Unauthorized, UserError."""
        key, name = self._keys.check(call.secret()), call.header(HEADER)
        if len(name) > NAME_CHARS_MAX:
            raise UserError(f"an {HEADER} has at most {NAME_CHARS_MAX} characters")
        return key.id, name, call.path

    def _drop(self, name: Name) -> None:
        gone, share = self._kept.pop(name), self._shares[name[0]]
        self._bytes -= gone.size
        share.size -= gone.size
        del share.names[name]
        if not share.names:
            del self._shares[name[0]]


@dataclass(frozen=True, slots=True)
class _First:
    """Has the first request of a name answered, and keeps what is sent."""

    replays: Replays
    name: Name
    route: Route

    async def send(self, call: Call) -> None:
        record, send = _Record(), call.send

        async def noted(message: Message) -> None:
            record.note(message)
            await send(message)

        call.send = noted
        try:
            await self.route.handler(call)
        finally:
            self.replays.end(self.name, None if call.failed else record)


@dataclass(slots=True)
class _Record:
    """Listens to what is sent."""

    messages: list[Message] = field(default_factory=list[Message])
    size: int = 0
    whole: bool = False

    def note(self, message: Message) -> None:
        self.size += len(message.get("body", b""))
        if self.size <= ANSWER_BYTES_MAX:
            self.messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.whole = self.messages[0].get("status") == 200
