"""A candidate on trial: who gets it, what the receipt says, and how it is taken back."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from hansa.accounts.audit import AuditLog, audit_path
from hansa.answer.answer import Answer
from hansa.answer.rollbacks import Rollbacks
from hansa.assembly import Node, build
from hansa.core.clock import SystemClock
from hansa.core.errors import ConfigError, NotFound
from hansa.core.settings import CanarySettings, Settings
from hansa.engines.mock import Mock
from hansa.league.chain import Chain, write_file
from hansa.league.charter import CharterFile, draft, sign
from hansa.models.catalog import DEFAULT_MODEL
from hansa.routing.canary import SESSION_S, drawn
from support.league import Made, MemberSpec, make_league

from .conftest import a_request

LIVE, CANDIDATE = DEFAULT_MODEL, "hansa-next"


class Hours(SystemClock):
    """Time passes when a test says so."""

    def __init__(self) -> None:
        self.late_s = 0.0
        self._began_ms = super().now_ms()

    def now_ms(self) -> int:
        return self._began_ms + int(self.late_s * 1000)

    def monotonic_s(self) -> float:
        return self.late_s


@dataclass(frozen=True)
class Trial:
    node: Node
    clock: Hours
    live: Mock
    candidate: Mock

    async def ask(self, account: str = "key-1", **changes: object) -> Answer:
        """Ask, read to the end, and say who answered."""
        only = changes.pop("only", ())
        request = a_request(**({"model": LIVE} | changes))
        answer = await self.node.answering.answer(request, account=account, only=only)  # type: ignore[arg-type]  names
        async for _ in answer.chunks:
            pass
        await answer.aclose()
        return answer

    async def ask_many(self, count: int) -> list[Answer]:
        """Each by another caller."""
        return [await self.ask(f"key-{number}") for number in range(count)]

    @property
    def ended(self) -> str:
        [view] = self.node.trials.views()
        return view.ended


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A member whose charter has terms for both."""
    made = make_league(tmp_path, (MemberSpec("acme", "eu", ("r1", "r2")),), threshold=1)["acme"]
    write_charter(made)
    return made


def write_charter(made: Made, dearer: int = 0) -> None:
    """With terms for the candidate too, by so many nano-dollars dearer."""
    path = made.folder / "charter.json"
    old = Chain.load(path).current
    terms = old.models[0]
    price = terms.price_output_nanousd_per_mtok + dearer
    other = msgspec.structs.replace(terms, model=CANDIDATE, price_output_nanousd_per_mtok=price)
    charter = msgspec.structs.replace(old, models=(terms, other))
    write_file(path, CharterFile((sign(draft(charter), made.root),)))


def settings_of(made: Made, **changes: object) -> Settings:
    fields: dict[str, object] = {"share": 0.5, "requests": 20}
    canary = CanarySettings(LIVE, CANDIDATE, **(fields | changes))  # type: ignore[arg-type]  as it has them
    return msgspec.structs.replace(made.settings(), canary=(canary,))


async def started(made: Made, **changes: object) -> Trial:
    clock = Hours()
    node = await build(settings_of(made, **changes), clock)
    live, candidate = Mock(("a", "b")), Mock(("c", "d"))
    node.fleet.local["r1"].engine, node.fleet.local["r2"].engine = live, candidate
    node.fleet.local["r2"].model = CANDIDATE
    await node.start()
    return Trial(node, clock, live, candidate)


@pytest.fixture
async def trial(made: Made) -> AsyncGenerator[Trial]:
    trial = await started(made)
    yield trial
    await trial.node.close()


async def test_a_share_of_callers_is_answered_by_the_candidate_and_receipts_say_so(trial: Trial):
    answers = await trial.ask_many(60)
    models = [each.model for each in answers]
    assert 15 <= models.count(CANDIDATE) <= 45
    assert len(trial.candidate.seen) == models.count(CANDIDATE)
    entries = await trial.node.ledger.entries()
    said = {each.receipt.request: each.receipt.model for each in entries}
    assert [said[each.request] for each in answers] == models
    on_trial = [each for each in answers if each.model == CANDIDATE]
    assert all(f"on trial in place of {LIVE}" in each.reason for each in on_trial)


async def test_a_caller_stays_with_one_model(trial: Trial):
    models = {(await trial.ask("key-7")).model for _ in range(20)}
    assert len(models) == 1
    seen: set[str] = set()
    for _ in range(20):
        trial.clock.late_s += SESSION_S
        seen.add((await trial.ask("key-7")).model)
    assert seen == {LIVE, CANDIDATE}


async def test_routing_does_not_choose_a_candidate_by_itself(trial: Trial):
    plan = trial.node.answering.explain(a_request(model="auto"))
    assert {each.candidate.terms.model for each in plan.considered} == {LIVE}
    named = trial.node.answering.explain(a_request(model=CANDIDATE))
    assert {each.candidate.terms.model for each in named.considered} == {CANDIDATE}


async def test_whoever_leaves_the_model_open_is_drawn_too(trial: Trial):
    models = [(await trial.ask(f"key-{n}", model="auto")).model for n in range(40)]
    assert 8 <= models.count(CANDIDATE) <= 32


async def test_a_key_for_the_live_model_alone_stays_with_it(trial: Trial):
    models = {(await trial.ask(f"key-{n}", only=(LIVE,))).model for n in range(30)}
    assert models == {LIVE}
    both = {(await trial.ask(f"key-{n}", only=(LIVE, CANDIDATE))).model for n in range(30)}
    assert both == {LIVE, CANDIDATE}


async def test_a_dearer_candidate_answers_nobody(made: Made):
    write_charter(made, dearer=1)
    trial = await started(made)
    assert {each.model for each in await trial.ask_many(30)} == {LIVE}
    await trial.node.close()


async def test_nobody_is_worse_off_when_the_candidate_fails_and_it_is_taken_back(trial: Trial):
    trial.candidate.fail_before = True
    answers = await trial.ask_many(120)
    assert {each.model for each in answers} == {LIVE}
    assert "requests failed" in trial.ended


async def test_a_failing_candidate_is_taken_back_though_the_live_model_is_never_asked(trial: Trial):
    """As on a node with one key: it may draw the candidate at once."""
    trial.candidate.fail_before = True
    rule = trial.node.trials.rule(LIVE)
    assert rule
    key = next(
        each for number in range(99)
        if drawn(rule, each := f"key-{number}", trial.clock.now_ms())
    )  # fmt: skip
    for _ in range(20):
        assert (await trial.ask(key)).model == LIVE
    [view] = trial.node.trials.views()
    assert view.live.requests == 0
    assert "20 of 20 requests failed, 0 of 0 with" in trial.ended


async def slow_answers(trial: Trial) -> None:
    """The candidate takes four times as long, by the clock that the node reads."""
    for number in range(120):
        request = a_request(model=LIVE)
        answer = await trial.node.answering.answer(request, account=f"key-{number}")
        async for _ in answer.chunks:
            trial.clock.late_s += 0.4 if answer.model == CANDIDATE else 0.1
        await answer.aclose()


async def test_a_slower_candidate_is_taken_back_and_stays_so_after_a_restart(made: Made):
    trial = await started(made)
    await slow_answers(trial)
    assert "ms in all" in trial.ended
    assert {each.model for each in await trial.ask_many(30)} == {LIVE}
    await trial.node.close()
    state = trial.node.settings.state_dir
    acts = AuditLog(audit_path(state), SystemClock()).latest(10)
    [act] = [each for each in acts if each.act == "canary_rollback"]
    assert (act.actor, act.details["candidate"]) == ("node", CANDIDATE)
    assert "hansa_canary_rollbacks_total" in trial.node.trials._metrics.text().decode()
    again = await started(made)
    assert again.ended == trial.ended
    assert {each.model for each in await again.ask_many(30)} == {LIVE}
    await again.node.close()


async def test_a_candidate_whose_suggestions_are_refused_is_taken_back(trial: Trial):
    for number in range(200):
        answer = await trial.ask(f"key-{number}")
        accepted = answer.model == LIVE and number % 2
        fate = "accepted" if accepted else "rejected"
        if not trial.ended:
            assert trial.node.trials.tell(answer.request, f"key-{number}", fate)
    assert "suggestions were accepted" in trial.ended


async def test_only_who_asked_tells_what_became_of_it_and_once(trial: Trial):
    answer = await trial.ask("key-1")
    tell = trial.node.trials.tell
    assert not tell(answer.request, "key-2", "accepted")
    assert not tell("req-unknown", "key-1", "accepted")
    for _ in range(3):
        assert tell(answer.request, "key-1", "shown")
        assert tell(answer.request, "key-1", "accepted")
    [view] = trial.node.trials.views()
    assert view.live.shown + view.trial.shown == 1
    assert view.live.accepted + view.trial.accepted == 1


async def test_a_person_takes_back_and_lets_try_again_while_the_node_runs(trial: Trial):
    state = trial.node.settings.state_dir
    clock = SystemClock()
    by_hand = Rollbacks(state, clock, AuditLog(audit_path(state), clock))
    assert CANDIDATE in {each.model for each in await trial.ask_many(30)}
    by_hand.add(CANDIDATE, LIVE, "it swears", "cli uid=0")
    trial.clock.late_s += 2
    assert {each.model for each in await trial.ask_many(30)} == {LIVE}
    assert trial.ended == "it swears"
    by_hand.lift(CANDIDATE, "cli uid=0")
    with pytest.raises(NotFound):
        by_hand.lift(CANDIDATE, "cli uid=0")
    trial.clock.late_s += 2
    assert CANDIDATE in {each.model for each in await trial.ask_many(30)}


async def test_a_damaged_file_sends_nobody_to_a_candidate(trial: Trial):
    trial.node.settings.state_dir.joinpath("canaries.json").write_text("[{")
    trial.clock.late_s += 2
    assert {each.model for each in await trial.ask_many(30)} == {LIVE}
    assert "cannot read" in trial.ended


async def test_a_candidate_without_terms_is_no_candidate(made: Made):
    canary = CanarySettings(LIVE, "unheard-of")
    settings = msgspec.structs.replace(made.settings(), canary=(canary,))
    with pytest.raises(ConfigError, match="no terms for unheard-of"):
        await build(settings)
