"""What every dialect's door does alike: read a bounded body, know the caller, answer, fail well."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.core.bounds import BODY_BYTES_MAX
from hansa.core.errors import HansaError, UserError
from hansa.wire.native import error_body

JSON = "application/json"
RETRY_AFTER_S = 1
BODY_TIMEOUT_S = 30.0

Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]
ErrorForm = Callable[[HansaError], bytes]
"""A dialect's JSON body for an error."""

_log = structlog.get_logger()


class TooSlow(UserError):
    code = "request_timeout"
    status = 408


class TooLarge(UserError):
    code = "request_too_large"
    status = 413


def door(handler: Handler, form: ErrorForm) -> Handler:
    """Turn what `handler` raises into the dialect's error; the gateway's only broad handler."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except HansaError as error:
            return error_response(error, form)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:  # noqa: BLE001  a door: whatever breaks inside is a 500 outside
            _log.exception("handler_broke", path=request.url.path, error=type(error).__name__)
            return error_response(HansaError("this node made a mistake; its log has it"), form)

    return endpoint


def error_response(error: HansaError, form: ErrorForm) -> Response:
    headers = {"retry-after": str(RETRY_AFTER_S)} if error.retryable else {}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(form(error), error.status, headers, JSON)


def json_response(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON)


async def read_body(request: Request) -> bytes:
    """The whole body, at most `BODY_BYTES_MAX` of it, in at most `BODY_TIMEOUT_S`."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for block in request.stream():
                body += block
                if len(body) > BODY_BYTES_MAX:
                    raise TooLarge(
                        f"the request's body is over {BODY_BYTES_MAX} bytes", hint="send less text"
                    )
    except TimeoutError:
        raise TooSlow(f"the request's body did not arrive in {BODY_TIMEOUT_S:g} s") from None
    return bytes(body)


def decode(body: bytes, kind: type[Body]) -> Body:
    """Read JSON as `kind`. Raises UserError that names the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise UserError(f"the request's body is wrong: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"the request's body is not JSON: {error}") from error


def caller(request: Request, keys: KeyRing) -> ApiKey:
    """Who asks, by the bearer token. Raises Unauthorized."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return keys.check(secret.strip() if scheme.lower() == "bearer" else "")


def native_form(error: HansaError) -> bytes:
    """`{"error": {...}}`, as Hansa's own clients and peers read it."""
    return msgspec.json.encode({"error": error_body(error)})
