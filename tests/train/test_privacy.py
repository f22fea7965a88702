# pyright: basic, reportMissingImports=false
"""What was planted often is found exposed and can be drawn out; what was not planted is not."""

import json
from pathlib import Path

import pytest

from hansa.models.profile import FimTokens
from hansa.training.canaries import make_canaries, planted
from hansa.training.federate.home import adapt, train
from hansa.training.federate.plan import Plan
from hansa.training.privacy import attack, write_report
from hansa.training.recipe import PLAIN_CHAT, Lora
from support.learner import make_base

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default::FutureWarning"),  # PEFT's own.
]

PLAN = Plan(
    name="tiny", base="", tokens=FimTokens("<P>", "<S>", "", order="spm"), seed=1, steps=80,
    rows=2, row_tokens=128, learning_rate=0.03, lora=Lora(rank=8, alpha=16.0),
)  # fmt: skip


def test_a_secret_that_was_learnt_is_found(tmp_path: Path):
    canaries = make_canaries(1, copies=(0, 1, 40), each=1)
    adapted = adapt(PLAN, make_base(tmp_path / "base"), PLAIN_CHAT)
    begin = adapted.arrays()
    update = train(adapted, begin, planted([], canaries), (1, 0))
    adapted.take({name: begin[name] + each for name, each in update.items()})
    steps: list[tuple[int, int]] = []
    found = attack(adapted.base, adapted.model, PLAN.tokens, canaries, lambda *at: steps.append(at))
    never, once, often = found.findings
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert (often.copies, often.rank, often.exposure_bits) == (40, 1, 8.0)
    assert often.extracted
    assert not never.extracted
    assert not once.extracted
    assert found.leaks()
    write_report(tmp_path, found)
    assert json.loads((tmp_path / "privacy.json").read_text())["extracted"] == 1
    text = (tmp_path / "privacy.txt").read_text()
    assert "verdict: leaks" in text
    assert not any(each.secret in text for each in canaries)


def test_a_model_that_was_not_trained_gives_nothing(tmp_path: Path):
    canaries = make_canaries(1, copies=(0, 1), each=1)
    adapted = adapt(PLAN, make_base(tmp_path / "base"), PLAIN_CHAT)
    found = attack(adapted.base, adapted.model, PLAN.tokens, canaries)
    assert found.extracted == 0
    assert len({each.rank for each in found.findings} | {0}) > 1
