"""What an engine's answer other than 200 means for the request; the same for every API."""

from hansa.core.errors import EngineError, EngineUnavailable, HansaError, UserError
from hansa.engines.events import error_text
from hansa.engines.http import HttpReply

ERROR_BYTES_MAX = 64 * 1024
RETRY_AFTER_MAX_S = 60.0


async def refusal(reply: HttpReply, replica: str, too_long: tuple[str, ...] = ()) -> HansaError:
    """Read the refusal to its end and return the error to raise.

    `too_long` are parts of what the engine says when a prompt does not fit; `replica` is named.

    Raises:
        EngineError: the answer broke off, or is over `ERROR_BYTES_MAX`.
    """
    said = error_text(await reply.whole(ERROR_BYTES_MAX))
    where = f"the engine of replica {replica}"
    if any(each in said for each in too_long):
        return UserError(f"the prompt does not fit {where}: {said}", hint="send less text")
    if reply.status in (400, 413, 422):
        return UserError(f"{where} refused the request: {said}")
    if reply.status in (408, 425, 429) or reply.status >= 500:
        error = EngineUnavailable(f"{where} answered {reply.status}: {said}")
        error.retry_after_s = _retry_after_s(reply.headers.get("retry-after", ""))
        return error
    hint = ""
    if reply.status in (401, 403):
        hint = "check the replica's api_key_file"
    elif reply.status == 404:
        hint = "check the replica's url and upstream_model"
    return EngineError(f"{where} answered {reply.status}: {said}", hint=hint)


def _retry_after_s(header: str) -> float | None:
    """The header's seconds; a date, or nothing of use, is None."""
    try:
        return min(max(float(header), 0.0), RETRY_AFTER_MAX_S)
    except ValueError:
        return None
