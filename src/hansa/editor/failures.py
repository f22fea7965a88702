"""A node's error as it came over the wire, raised again as what it was."""

from hansa.core.errors import HansaError, KeyScope, PolicyRefusal
from hansa.editor.plain import plain
from hansa.wire.native import ErrorBody

MESSAGE_CHARS_MAX = 2_000

_SCOPE = " (scope: "
_MORE_THAN_TEXT = (PolicyRefusal, KeyScope)
"""Not made of a message and a hint alone."""


def as_error(failure: ErrorBody) -> HansaError:
    """The error of that code; one of a code we do not know keeps it."""
    message = plain(failure.message[:MESSAGE_CHARS_MAX])
    hint = plain(failure.hint[:MESSAGE_CHARS_MAX])
    if failure.code == PolicyRefusal.code:
        return PolicyRefusal(message, rule=plain(failure.rule), hint=hint)
    said, _, scope = message.removesuffix(")").rpartition(_SCOPE)
    if failure.code == KeyScope.code and said:
        return KeyScope(said, scope=scope, hint=hint)
    kind = _by_code().get(failure.code, HansaError)
    error = kind(message, hint=hint)
    error.code = failure.code
    error.retryable = failure.retryable
    return error


def _by_code() -> dict[str, type[HansaError]]:
    kinds: dict[str, type[HansaError]] = {}
    left = [HansaError]
    while left:
        kind = left.pop()
        kinds.setdefault(kind.code, kind)
        left += [each for each in kind.__subclasses__() if each not in _MORE_THAN_TEXT]
    return kinds
