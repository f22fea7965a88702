"""Candidates on trial: who is sent to one, what came of it, and the end of a trial that goes badly.

Only the event loop's thread touches it, but for the file, which is written in another.
"""

import asyncio
import statistics
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from hansa.answer.recent import Outcome
from hansa.answer.rollbacks import Rollbacks
from hansa.core.clock import Clock
from hansa.core.errors import HansaError
from hansa.observe.metrics import Metrics
from hansa.routing.canary import Arm, Rule, Times, drawn, p95, worse
from hansa.wire.native import ArmTimes, ArmView, CanaryView, Fate
from hansa.wire.requests import Request, Task

REMEMBERED_MAX = 10_000
"""Requests of which an editor may still tell what became of them; the oldest is forgotten."""

NODE = "node"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A request that the candidate of a trial answers, or could have answered."""

    rule: Rule
    candidate: bool
    request: str
    account: str
    task: Task

    @property
    def arm(self) -> str:
        return "candidate" if self.candidate else "live"


@dataclass(slots=True)
class _Told:
    drawn: Drawn
    shown: bool = False
    accepted: bool = False


class Trials:
    def __init__(
        self, rules: Iterable[Rule], rollbacks: Rollbacks, clock: Clock, metrics: Metrics
    ) -> None:
        self._rules = {each.model: each for each in rules}
        self.withheld = frozenset(each.candidate for each in self._rules.values())
        """Models that routing does not choose by itself."""
        self._rollbacks = rollbacks
        self._clock = clock
        self._metrics = metrics
        self._arms: dict[tuple[str, bool], Arm] = {}
        for each in self._rules.values():
            self._begin(each)
        self._remembered: OrderedDict[str, _Told] = OrderedDict()
        self._ended: dict[str, str] = {}
        """Candidates that this process took back, and why, until that is on disk."""
        self._down: set[str] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def draw(self, request: Request, model: str, account: str) -> Drawn | None:
        """Which of two models answers a request for `model`; None if no candidate is on trial."""
        rule = self._rules.get(model)
        if rule is None or self.why_ended(rule):
            return None
        chosen = drawn(rule, account, self._clock.now_ms())
        return Drawn(rule, chosen, request.id, account, request.task)

    def rule(self, model: str) -> Rule | None:
        return self._rules.get(model)

    def why_ended(self, rule: Rule) -> str:
        """Why a candidate was taken back; empty while it is on trial."""
        candidate = rule.candidate
        if candidate in self._ended:
            return self._ended[candidate]
        try:
            known = self._rollbacks.known().get(candidate)
        except HansaError as error:
            # What it says of rollbacks is not known, so nobody is sent to a candidate.
            return error.message
        if known:
            self._down.add(candidate)
            return known.reason
        if candidate in self._down:  # Somebody wants it tried again.
            self._down.discard(candidate)
            self._begin(rule)
        return ""

    def ended(self, drawn: Drawn, outcome: Outcome, first_s: float, whole_s: float) -> None:
        """Note an answer that had begun."""
        arm = self._arms[drawn.rule.model, drawn.candidate]
        times = arm.times.setdefault(drawn.task, Times())
        times.first.append(first_s * 1000)
        if outcome == "served":
            times.whole.append(whole_s * 1000)
        self._count(drawn, outcome)
        self._remember(drawn)

    def unserved(self, drawn: Drawn, outcome: Outcome, waited_s: float) -> None:
        """Note a request that the model did not begin to answer: it failed, or its caller left."""
        arm = self._arms[drawn.rule.model, drawn.candidate]
        if outcome == "cancelled":
            arm.times.setdefault(drawn.task, Times()).first.append(waited_s * 1000)
        self._count(drawn, outcome)

    def tell(self, request: str, account: str, fate: Fate) -> bool:
        """What became of a suggestion, by whoever asked for it; whether it is counted."""
        told = self._remembered.get(request)
        if told is None or told.drawn.account != account:
            return False
        arm = self._arms[told.drawn.rule.model, told.drawn.candidate]
        if not told.shown:
            told.shown, arm.shown = True, arm.shown + 1
        if fate == "accepted" and not told.accepted:
            told.accepted, arm.accepted = True, arm.accepted + 1
        if told.drawn.candidate:
            self._judge(told.drawn.rule)
        return True

    def views(self) -> tuple[CanaryView, ...]:
        return tuple(
            CanaryView(
                model=rule.model,
                candidate=rule.candidate,
                share=rule.share,
                ended=self.why_ended(rule),
                live=_view(self._arms[rule.model, False]),
                trial=_view(self._arms[rule.model, True]),
            )
            for rule in self._rules.values()
        )

    async def close(self) -> None:
        """Wait until what was taken back is on disk."""
        await asyncio.gather(*self._writing)

    def _begin(self, rule: Rule) -> None:
        """Forget what was counted."""
        self._arms |= {(rule.model, candidate): Arm() for candidate in (False, True)}

    def _count(self, drawn: Drawn, outcome: Outcome) -> None:
        arm = self._arms[drawn.rule.model, drawn.candidate]
        arm.requests += 1
        arm.failed += outcome == "failed"
        self._metrics.canary_requests.labels(drawn.rule.model, drawn.arm, outcome).inc()
        if drawn.candidate:
            self._judge(drawn.rule)

    def _remember(self, drawn: Drawn) -> None:
        if drawn.task == "complete":
            self._remembered[drawn.request] = _Told(drawn)
            while len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)

    def _judge(self, rule: Rule) -> None:
        if self.why_ended(rule):
            return
        why = worse(rule, self._arms[rule.model, False], self._arms[rule.model, True])
        if not why:
            return
        self._ended[rule.candidate] = why
        self._metrics.canary_rollbacks.labels(rule.model).inc()
        _log.error("canary_rolled_back", model=rule.model, candidate=rule.candidate, reason=why)
        task = asyncio.create_task(self._write(rule, why))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, rule: Rule, why: str) -> None:
        try:
            await asyncio.to_thread(self._rollbacks.add, rule.candidate, rule.model, why, NODE)
        except HansaError as error:
            _log.error(
                "rollback_not_stored", candidate=rule.candidate, error=error.message,
                hint="it holds until this node is started anew; run: hansa rollback",
            )  # fmt: skip
        else:
            self._ended.pop(rule.candidate, None)


def _view(arm: Arm) -> ArmView:
    return ArmView(
        requests=arm.requests,
        failed=arm.failed,
        shown=arm.shown,
        accepted=arm.accepted,
        times=tuple(
            ArmTimes(
                task=task,
                first_ms_p50=_median(times.first),
                first_ms_p95=round(p95(times.first), 1),
                whole_ms_p50=_median(times.whole),
                whole_ms_p95=round(p95(times.whole), 1),
            )
            for task, times in arm.times.items()
        ),
    )


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return round(statistics.median(known), 1) if known else 0.0
