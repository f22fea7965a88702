"""Hansa's own HTTP API: what the editor, the command line and the console speak.

`POST /hansa/v1/answer` takes a `wire.requests.Request` and answers with its `Chunk`s as events.
"""

from typing import Literal

import msgspec

from hansa.core.errors import HansaError, PolicyRefusal
from hansa.wire.requests import Task

REQUEST_ID_HEADER = "hansa-request-id"
SDK_ID_HEADERS = ("x-request-id", "request-id")
"""Where the SDKs of OpenAI and of Anthropic look for it."""

ROUTE_HEADER = "hansa-route"
ROUTE_REASON_HEADER = "hansa-route-reason"
MODEL_HEADER = "hansa-model"
"""Which model answers, whatever was asked for."""


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


Fate = Literal["shown", "accepted", "rejected"]
"""What became of a suggestion."""


class FateOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /hansa/v1/outcomes`."""

    request: str
    """The id of the request that made the suggestion."""
    outcome: Fate


class Counted(msgspec.Struct, frozen=True):
    """Whether it was a suggestion of a trial, and of this caller's."""

    counted: bool


class ArmTimes(msgspec.Struct, frozen=True):
    """Of the newest answers to one task, in milliseconds; 0 of none."""

    task: Task
    first_ms_p50: float
    first_ms_p95: float
    whole_ms_p50: float
    whole_ms_p95: float


class ArmView(msgspec.Struct, frozen=True):
    """What one of two models did in a trial, since the node was started."""

    requests: int
    failed: int
    shown: int
    accepted: int
    times: tuple[ArmTimes, ...] = ()


class CanaryView(msgspec.Struct, frozen=True):
    """A candidate that answers a share of the requests for another model."""

    model: str
    candidate: str
    share: float
    ended: str
    """Why it was rolled back; empty while it is on trial."""
    live: ArmView
    trial: ArmView


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
    canaries: tuple[CanaryView, ...] = ()
    draining: bool = False
    """It takes nothing new and ends when what is under way has."""
