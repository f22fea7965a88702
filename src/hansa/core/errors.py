"""Every error Hansa raises on purpose.

HansaError
  + UserError            the request is wrong; the caller can mend it
  |   x NotFound         a named thing does not exist
  |   x Unauthorized     no key, or one we do not know
  |   x Unsupported      no engine here can do what is asked
  + ConfigError          hansa.toml, an environment variable or a flag is wrong
  + PolicyRefusal        a hard rule (residency, licence, data use, tier, context) leaves no replica
  + KeyScope             the API key may not do this
  + RateLimited          the API key's tier allows no more for now; later it does
  |   x SpendLimit       no more this month
  + EngineError          the inference engine failed
  |   x EngineUnavailable  it cannot be reached or has no room; another replica may serve
  |       x DeadlineUnmet  no replica can answer before the caller's deadline
  |       x NodeDraining   this node ends and takes nothing new
  + PeerError            another member's node refused or failed
  |   x PeerUnavailable  it cannot be reached; another replica may serve
  + Conflict             what a change was made for is not there, or in more than one place
  + IntegrityError       a signature, digest or proof does not hold
  + StorageError         the disk refused (full, read-only, gone)

Each class states `code` (stable, machine-readable), `status` (HTTP), `retryable` and `exit_code`;
each instance a message (what happened, where) and a `hint` (what to do). The doors turn them into
their own form once: an HTTP body, an exit code.
"""

from collections.abc import Mapping


class HansaError(Exception):
    """Base of all errors raised on purpose."""

    code = "internal_error"
    status = 500
    retryable = False
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.headers: Mapping[str, str] = {}
        """What a door adds to its answer, such as how much of a limit is left."""
        self.field = ""
        """Path of the part of the request that is wrong, if it is one."""
        self.retry_after_s: float | None = None
        """When to try again, if that is known; the doors say it in `Retry-After`."""

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UserError(HansaError):
    code = "invalid_request"
    status = 400
    exit_code = 2


class NotFound(UserError):
    code = "not_found"
    status = 404


class Unauthorized(UserError):
    code = "invalid_api_key"
    status = 401


class Unsupported(UserError):
    code = "unsupported"


class ConfigError(UserError):
    code = "invalid_config"


class PolicyRefusal(HansaError):
    """`rule` names the hard rule that refused."""

    code = "policy_refusal"
    status = 403

    def __init__(self, message: str, *, rule: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rule = rule


class KeyScope(HansaError):
    """`scope` names what the key is held to: models, tasks, residency or admin."""

    code = "key_scope"
    status = 403

    def __init__(self, message: str, *, scope: str, hint: str = "") -> None:
        super().__init__(f"{message} (scope: {scope})", hint=hint)
        self.scope = scope


class RateLimited(HansaError):
    """`retry_after_s` is set; a door adds its dialect's `headers`."""

    code = "rate_limited"
    status = 429
    retryable = True


class SpendLimit(RateLimited):
    code = "spend_limit"
    retryable = False


class EngineError(HansaError):
    code = "engine_error"
    status = 502


class EngineUnavailable(EngineError):
    code = "engine_unavailable"
    status = 503
    retryable = True


class DeadlineUnmet(EngineUnavailable):
    """Says nothing against a replica: there was too little time."""

    code = "deadline_unmet"


class NodeDraining(EngineUnavailable):
    """Another node may serve; this one's connection is closed, so that the next goes there."""

    code = "node_draining"

    def __init__(
        self,
        message: str = "this node ends and takes nothing new",
        *,
        hint: str = "try another node",
    ) -> None:
        super().__init__(message, hint=hint)
        self.headers = {"connection": "close"}


class PeerError(HansaError):
    code = "peer_error"
    status = 502


class PeerUnavailable(PeerError):
    code = "peer_unavailable"
    status = 503
    retryable = True


class Conflict(HansaError):
    code = "conflict"
    status = 409


class IntegrityError(HansaError):
    code = "integrity_error"
    status = 403


class StorageError(HansaError):
    code = "storage_error"
    status = 507
