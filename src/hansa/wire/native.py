"""Hansa's own HTTP API: what the editor, the command line and the console speak.

`POST /hansa/v1/answer` takes a `wire.requests.Request` and answers with its `Chunk`s as events.
"""

import msgspec

from hansa.core.errors import HansaError, PolicyRefusal

REQUEST_ID_HEADER = "hansa-request-id"
SDK_ID_HEADERS = ("x-request-id", "request-id")
"""Where the SDKs of OpenAI and of Anthropic look for it."""

ROUTE_HEADER = "hansa-route"
ROUTE_REASON_HEADER = "hansa-route-reason"


class ErrorBody(msgspec.Struct, frozen=True):
    """An error as members and our own clients read it."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False
    rule: str = ""
    """The hard rule that refused, if one did."""


def error_body(error: HansaError) -> ErrorBody:
    rule = error.rule if isinstance(error, PolicyRefusal) else ""
    return ErrorBody(error.code, error.message, error.hint, error.retryable, rule)


class ReplicaChoice(msgspec.Struct, frozen=True):
    """One replica that routing considered."""

    replica: str
    """`member/replica`."""
    model: str
    region: str
    verdict: str
    """`chosen`, `possible`, `refused` or `down`."""
    reason: str
    predicted_ms: float
    network_ms: float
    queue_ms: float
    prompt_ms: float
    decode_ms: float
    cost_nanousd: int


class Explanation(msgspec.Struct, frozen=True):
    """Where a request would go now, and why."""

    task: str
    budget_ms: int
    route: str
    reason: str
    considered: tuple[ReplicaChoice, ...]


class RequestView(msgspec.Struct, frozen=True):
    """One recent request of a node."""

    request: str
    at_ms: int
    task: str
    origin: str
    server: str
    replica: str
    reason: str
    outcome: str
    budget_ms: int
    duration_ms: float
    first_token_ms: float | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    attempts: int


class ReplicaView(msgspec.Struct, frozen=True):
    """One replica of the league as this node sees it."""

    replica: str
    model: str
    region: str
    up: bool
    problem: str
    busy: int
    slots: int
    network_ms: float
    prompt_tokens_per_s: float
    decode_tokens_per_s: float
    pid: int | None = None
    """Of a local engine's process."""


class MemberView(msgspec.Struct, frozen=True):
    id: str
    name: str
    jurisdiction: str
    url: str
    up: bool
    problem: str


class NodeView(msgspec.Struct, frozen=True):
    """What a node knows of itself and its league: `hansa node status`, the page Now."""

    member: str
    league: str
    epoch: int
    charter: str
    pid: int
    ready: bool
    in_flight: int
    members: tuple[MemberView, ...]
    replicas: tuple[ReplicaView, ...]
    recent: tuple[RequestView, ...]
    receipts: int
    """Leaves in this node's log."""
    log_root: str
