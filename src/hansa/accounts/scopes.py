"""What an API key may be used for, and until when."""

import datetime as dt
import re
from typing import get_args

import msgspec

from hansa.core.errors import KeyScope, UserError
from hansa.core.ids import is_name
from hansa.wire.requests import ANY_MODEL, Request, Task

ENTRIES_MAX = 16
LIFETIME_DAYS_MAX = 3660

_UNIT_MS = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_LIFETIME = re.compile(r"([0-9]{1,5})([hdw])")
_REGION = re.compile(r"[a-z0-9-]{1,64}")


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Empty means: not limited in this."""

    models: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    residency: tuple[str, ...] = ()
    """Jurisdictions where its prompts may be processed."""


ANYTHING = Scope()


def make_scope(
    models: tuple[str, ...] = (), tasks: tuple[str, ...] = (), residency: tuple[str, ...] = ()
) -> Scope:
    """Check what a person wrote. Raises UserError that names the wrong entry."""
    for name, entries in (("models", models), ("tasks", tasks), ("residency", residency)):
        if len(entries) > ENTRIES_MAX:
            raise UserError(f"a key is held to at most {ENTRIES_MAX} {name}")
    for model in models:
        if not is_name(model) or model == ANY_MODEL:
            raise UserError(f"{model!r} is no name of a model", hint="see `hansa model list`")
    for task in tasks:
        if task not in get_args(Task):
            known = ", ".join(get_args(Task))
            raise UserError(f"{task!r} is no task", hint=f"tasks are {known}")
    for region in residency:
        if not _REGION.fullmatch(region):
            raise UserError(f"{region!r} is no jurisdiction", hint="write it like eu")
    return Scope(models, tasks, residency)  # pyright: ignore[reportArgumentType]  each is a task


def expiry_ms(lifetime: str, now_ms: int) -> int | None:
    """When a key made now ends; `lifetime` is like `12h`, `30d` or `8w`, empty: never.

    Raises:
        UserError: it is none of these, or over ten years.
    """
    if not lifetime:
        return None
    match = _LIFETIME.fullmatch(lifetime)
    life_ms = int(match[1]) * _UNIT_MS[match[2]] if match else 0
    if not 0 < life_ms <= LIFETIME_DAYS_MAX * _UNIT_MS["d"]:
        raise UserError(
            f"{lifetime!r} is no lifetime of a key",
            hint=f"write it like 12h, 30d or 8w, at most {LIFETIME_DAYS_MAX}d",
        )
    return now_ms + life_ms


def day_and_time(at_ms: int) -> str:
    """`2026-11-25 13:00 UTC`."""
    return f"{dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"


def narrow(request: Request, scope: Scope) -> Request:
    """The request held to `scope`: its residency is added to the policy's.

    A request that leaves the model open gets the scope's first one.

    Raises:
        KeyScope: the request asks for what the key may not use.
    """
    if scope.tasks and request.task not in scope.tasks:
        raise _outside("task", request.task, "tasks", scope.tasks)
    changes: dict[str, object] = {}
    if scope.models:
        if request.model == ANY_MODEL:
            changes["model"] = scope.models[0]
        elif request.model not in scope.models:
            raise _outside("model", request.model, "models", scope.models)
    if scope.residency:
        changes["policy"] = msgspec.structs.replace(
            request.policy, residency=_residency(request.policy.residency, scope.residency)
        )
    return msgspec.structs.replace(request, **changes) if changes else request


def _residency(wanted: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not wanted:
        return allowed
    both = tuple(each for each in wanted if each in allowed)
    if not both:
        raise _outside("residency", " or ".join(wanted), "residency", allowed)
    return both


def _outside(what: str, asked: str, scope: str, allowed: tuple[str, ...]) -> KeyScope:
    return KeyScope(
        f"this API key does not cover the {what} {asked!r}",
        scope=scope,
        hint=f"it covers {', '.join(allowed)}; an administrator can make another key",
    )
