"""What a developer asks of whoever serves a request."""

from dataclasses import dataclass, field

from hansa.wire.requests import ANY_MODEL, Policy


@dataclass(frozen=True, slots=True)
class Preferences:
    model: str = ANY_MODEL
    policy: Policy = field(default_factory=Policy)
    budget_ms: int | None = None
    """None leaves it to the task."""
