"""What every dialect's door does alike: know the caller, decode, answer, fail well."""

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec
import structlog

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.core.errors import HansaError, PolicyRefusal, UserError
from hansa.gateway.call import GONE, Call, ClientLeft, Gone, Reply
from hansa.wire.native import error_body

RETRY_AFTER_S = 1

Body = TypeVar("Body")


class Sendable(Protocol):
    """What an endpoint returns: a whole reply, or a stream."""

    async def send(self, call: Call) -> None: ...


Endpoint = Callable[[Call], Awaitable[Sendable]]
Handler = Callable[[Call], Awaitable[None]]
ErrorForm = Callable[[HansaError], Reply]
"""A dialect's body and status for an error."""

_log = structlog.get_logger()


def door(endpoint: Endpoint, form: ErrorForm) -> Handler:
    """Turn what `endpoint` raises into the dialect's error; the gateway's only broad handler."""

    async def handle(call: Call) -> None:
        gone: Gone | None = call.scope.get(GONE)
        if gone is not None:
            gone.cancels(asyncio.current_task())
        try:
            reply = await _reply(endpoint, form, call)
            await reply.send(call)
        except (ClientLeft, OSError):
            _log.info("client_left", path=call.path)
        except RuntimeError:  # uvloop's word for a write to a connection that was just lost
            if gone is None or not gone.left:
                raise
            _log.info("client_left", path=call.path)
        except asyncio.CancelledError:
            # The client left, or the node ends and has waited long enough for this answer.
            left = gone is not None and gone.left
            _log.info("client_left" if left else "request_cut_off", path=call.path)
        finally:
            if gone is not None:
                gone.cancels(None)

    return handle


async def _reply(endpoint: Endpoint, form: ErrorForm, call: Call) -> Sendable:
    try:
        return await endpoint(call)
    except HansaError as error:
        await call.pass_over()
        return error_reply(error, form)
    except ClientLeft:
        raise
    except Exception as error:  # noqa: BLE001  a door: whatever breaks inside is a 500 outside
        _log.exception("handler_broke", path=call.path, error=type(error).__name__)
        return error_reply(HansaError("this node made a mistake; its log has it"), form)


def error_reply(error: HansaError, form: ErrorForm) -> Reply:
    """The dialect's reply, with the headers that every dialect has."""
    headers = dict(error.headers)
    if error.retryable or error.retry_after_s is not None:
        wait_s = RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
        headers["retry-after"] = str(max(1, round(wait_s + 0.5)))
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return dataclasses.replace(form(error), headers=headers)


TOO_LONG = "context_length_exceeded"
"""What OpenAI's clients look for before they shorten a conversation and ask again."""


def too_long(error: HansaError) -> bool:
    """Whether no replica's context holds the request: the caller's to mend, so a 400 in the
    vendors' dialects, not a matter of permission."""
    return isinstance(error, PolicyRefusal) and error.rule == "context"


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(msgspec.json.encode(value), status)


def decode(body: bytes, kind: type[Body]) -> Body:
    """Read JSON as `kind`. Raises UserError that names the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        wrong = UserError(f"the request's body is wrong: {_complaint(str(error))}")
        wrong.field = _field(str(error))
        raise wrong from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"the request's body is not JSON: {error}") from error


_AT = re.compile(r" - at `\$\.?(?P<at>[^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$\.?(?P<at>.*)`)?")
_NOT_TAKEN = re.compile(r"Expected `null`, got `.*` - at `\$\.?(?P<at>.*)`")
_OTHER_KIND = re.compile(r"Invalid (?:enum )?value (?P<value>.*) - at `\$\.?(?P<at>.*)`", re.DOTALL)


def _field(said: str) -> str:
    """The path of the field that the decoder complains of; empty if it is the body itself."""
    at = found["at"] if (found := _AT.search(said)) else ""
    named = _MISSING.match(said) or _UNKNOWN.match(said)
    return ".".join(part for part in (at, named["name"] if named else "") if part)


def _complaint(said: str) -> str:
    """The decoder's words as the caller's: which field, and that it is not taken here."""
    if found := _UNKNOWN.fullmatch(said):
        at = found["at"]
        return f"{at}.{found['name']} is not known" if at else f"{found['name']} is not known"
    if found := _NOT_TAKEN.fullmatch(said):
        return f"{found['at']} is not supported; leave it out"
    if found := _OTHER_KIND.fullmatch(said):
        return f"{found['at']} {found['value']} is not supported"
    return said


def caller(call: Call, keys: KeyRing) -> ApiKey:
    """Who asks. Raises Unauthorized."""
    return keys.check(call.secret())


def native_form(error: HansaError) -> Reply:
    """`{"error": {...}}`, as Hansa's own clients and peers read it."""
    return json_reply({"error": error_body(error)}, error.status)
