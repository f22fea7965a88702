"""Room for answers that are kept: each caller has a share, and none loses what is under way."""

from pathlib import Path

import pytest

from hansa.accounts.keys import KeyRing
from hansa.core.clock import SystemClock
from hansa.gateway import idempotency
from hansa.gateway.idempotency import InProgress, OtherRequest, Replays, _Record

PATH = "/v1/completions"


class HandClock(SystemClock):
    now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def replays(tmp_path: Path, clock: HandClock) -> Replays:
    return Replays(KeyRing(tmp_path / "keys.json", clock), clock)


def answered(size: int = 10) -> _Record:
    record = _Record()
    record.note({"type": "http.response.start", "status": 200, "headers": []})
    record.note({"type": "http.response.body", "body": b"x" * size})
    return record


def answer(replays: Replays, caller: str, name: str, size: int = 10) -> None:
    replays.begin((caller, name, PATH), "sha")
    replays.end((caller, name, PATH), answered(size))


def is_kept(replays: Replays, caller: str, name: str) -> bool:
    return replays.find((caller, name, PATH), "sha") is not None


def test_a_flood_of_one_caller_forgets_nothing_of_another(replays: Replays):
    answer(replays, "ada", "done")
    replays.begin(("ada", "under way", PATH), "sha")
    for number in range(5 * idempotency.ANSWERS_MAX):
        answer(replays, "eve", str(number))
    assert is_kept(replays, "ada", "done")
    with pytest.raises(InProgress):
        is_kept(replays, "ada", "under way")
    last = 5 * idempotency.ANSWERS_MAX - 1
    kept = [is_kept(replays, "eve", str(last - back)) for back in range(300)]
    assert kept.count(True) == idempotency.CALLER_ANSWERS_MAX
    assert all(kept[: idempotency.CALLER_ANSWERS_MAX])


def test_a_flood_of_unanswered_requests_forgets_nothing_either(replays: Replays):
    answer(replays, "ada", "done")
    replays.begin(("ada", "under way", PATH), "sha")
    for number in range(2 * idempotency.ANSWERS_MAX):
        replays.begin(("eve", str(number), PATH), "sha")
    assert is_kept(replays, "ada", "done")
    with pytest.raises(InProgress):
        is_kept(replays, "ada", "under way")
    for number in range(2 * idempotency.ANSWERS_MAX):
        replays.end(("eve", str(number), PATH), None)
    assert not is_kept(replays, "eve", "0")


def test_long_answers_use_up_their_callers_share_only(
    replays: Replays, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(idempotency, "CALLER_BYTES_MAX", 1_000)
    answer(replays, "ada", "done", 900)
    for number in range(20):
        answer(replays, "eve", str(number), 400)
    assert is_kept(replays, "ada", "done")
    assert [is_kept(replays, "eve", str(number)) for number in (17, 18, 19)] == [False, True, True]


def test_many_callers_together_stay_under_the_whole(
    replays: Replays, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(idempotency, "ALL_BYTES_MAX", 1_000)
    replays.begin(("ada", "under way", PATH), "sha")
    for number in range(20):
        answer(replays, f"caller {number}", "k", 300)
    assert sum(is_kept(replays, f"caller {number}", "k") for number in range(20)) == 3
    with pytest.raises(InProgress):
        is_kept(replays, "ada", "under way")


def test_an_answer_is_kept_for_a_while(replays: Replays, clock: HandClock):
    answer(replays, "ada", "k")
    clock.now_s = idempotency.KEPT_S - 1
    assert is_kept(replays, "ada", "k")
    with pytest.raises(OtherRequest):
        replays.find(("ada", "k", PATH), "other sha")
    clock.now_s = idempotency.KEPT_S
    assert not is_kept(replays, "ada", "k")


def test_what_is_under_way_does_not_expire(replays: Replays, clock: HandClock):
    replays.begin(("ada", "k", PATH), "sha")
    clock.now_s = 10 * idempotency.KEPT_S
    with pytest.raises(InProgress):
        is_kept(replays, "ada", "k")
    with pytest.raises(OtherRequest):
        replays.find(("ada", "k", PATH), "other sha")
    replays.end(("ada", "k", PATH), answered())
    assert is_kept(replays, "ada", "k")
