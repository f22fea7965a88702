"""What is let in: well-formed requests, no more at once than the node can hold."""

import functools
import re

from msgspec.structs import replace

from hansa.core.bounds import COMPLETION_TOKENS_MAX, REQUESTS_IN_FLIGHT_MAX
from hansa.core.errors import EngineUnavailable, NodeDraining, UserError
from hansa.wire.requests import Policy, Request, Sampling

STOPS_MAX = 16
MESSAGES_MAX = 1024
SNIPPETS_MAX = 64
CHOICES_MAX = 16
BEST_OF_MAX = 8
LOGPROBS_MAX = 20
TOOLS_MAX = 128
INPUTS_MAX = 2048
POLICY_ENTRIES_MAX = 16
POLICY_CHARS_MAX = 64
BUDGET_MS_MAX = 3_600_000

_SAID_MAX = 10**300
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Gate:
    """Counts requests in flight."""

    def __init__(self, limit: int = REQUESTS_IN_FLIGHT_MAX) -> None:
        self.limit = limit
        self.in_flight = 0
        self.draining = False
        """Nothing more is let in; what is in goes on."""

    def enter(self) -> None:
        """Take a place for a request that is going to be worked on; `leave` gives it back.

        Raises:
            EngineUnavailable: no place is free; the caller may try again.
            NodeDraining: there will be none.
        """
        if self.draining:
            raise NodeDraining
        if self.in_flight >= self.limit:
            raise EngineUnavailable(
                f"this node is working on {self.limit} requests already", hint="try again soon"
            )
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1


def check_request(request: Request) -> None:
    """Refuse what no engine could answer.

    Raises:
        UserError: names the field and what it has to be.
    """
    if not (request.messages or request.prefix or request.suffix or request.inputs):
        raise UserError("there is nothing to answer", hint="send messages or a prompt")
    _bounded("the number of messages", len(request.messages), 0, MESSAGES_MAX)
    _bounded("the number of snippets", len(request.snippets), 0, SNIPPETS_MAX)
    _bounded("the number of tools", len(request.tools), 0, TOOLS_MAX)
    _bounded("the number of inputs", len(request.inputs), 0, INPUTS_MAX)
    if request.budget_ms is not None:
        _bounded("budget_ms", request.budget_ms, 1, BUDGET_MS_MAX)
    if request.deadline_ms is not None:
        _bounded("deadline_ms", request.deadline_ms, 1, BUDGET_MS_MAX)
    _check_sampling(request.sampling)
    _check_policy(request.policy)
    _check_text(request)
    if request.sampling.best_of > 1:
        _check_best_of(request)
    if (request.task == "embed") != bool(request.inputs):
        raise UserError("the task embed takes inputs, and only it does")


@functools.lru_cache(maxsize=256)
def _check_sampling(sampling: Sampling) -> None:
    """Clients ask with the same few settings again and again."""
    _bounded("max_tokens", sampling.max_tokens, 1, COMPLETION_TOKENS_MAX)
    _bounded("temperature", sampling.temperature, 0, 2)
    _bounded("top_p", sampling.top_p, 0, 1)
    _bounded("the number of stop strings", len(sampling.stop), 0, STOPS_MAX)
    if "" in sampling.stop:
        raise UserError("a stop string must not be empty")
    _bounded("n", sampling.choices, 1, CHOICES_MAX)
    _bounded("best_of", sampling.best_of, 1, BEST_OF_MAX)
    _bounded("presence_penalty", sampling.presence_penalty, -2, 2)
    _bounded("frequency_penalty", sampling.frequency_penalty, -2, 2)
    if sampling.logprobs is not None:
        _bounded("logprobs", sampling.logprobs, 0, LOGPROBS_MAX)
    if sampling.top_k is not None:
        _bounded("top_k", sampling.top_k, 1, 1000)


@functools.lru_cache(maxsize=256)
def _check_policy(policy: Policy) -> None:
    for name in ("residency", "licences"):
        entries: tuple[str, ...] = getattr(policy, name)
        _bounded(f"the number of entries of {name}", len(entries), 0, POLICY_ENTRIES_MAX)
        if any(not 1 <= len(each) <= POLICY_CHARS_MAX for each in entries):
            raise UserError(f"an entry of {name} has 1 to {POLICY_CHARS_MAX} characters")


def _check_text(request: Request) -> None:
    if not _REQUEST_ID.fullmatch(request.id):
        raise UserError("an id has 1 to 80 of A-Z, a-z, 0-9, '.', '_' and '-'")
    for snippet in request.snippets:
        if not 1 <= snippet.start_line <= snippet.end_line:
            raise UserError(f"a snippet cannot have lines {snippet.start_line}-{snippet.end_line}")


def _check_best_of(request: Request) -> None:
    sampling = request.sampling
    if not request.suffix:
        raise UserError("best_of weighs fillings by the suffix; send one", hint="or leave it out")
    plain = Sampling(sampling.max_tokens, stop=sampling.stop, best_of=sampling.best_of)
    if replace(sampling, seed=None, top_p=1.0) != plain:
        raise UserError(
            "best_of goes with temperature 0 and one choice, without logprobs, top_k and penalties"
        )


def _bounded(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        said = "too large" if abs(value) > _SAID_MAX else f"{value:g}"  # an integer may be huge
        raise UserError(f"{name} is {said}; it must be from {low:g} to {high:g}")
