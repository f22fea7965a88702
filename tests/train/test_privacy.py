# pyright: basic, reportMissingImports=false
"""What was planted often is found exposed and can be drawn out; what was not planted is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hansa.models.profile import FimTokens
from hansa.training.canaries import make_canaries, planted
from hansa.training.federate.home import adapt, train
from hansa.training.federate.plan import Plan
from hansa.training.pairs import Pair, write_pairs
from hansa.training.privacy import attack, write_report
from hansa.training.promotion.evidence import gather
from hansa.training.promotion.gates import SHIPPED, read_gates
from hansa.training.promotion.judging import judge
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
    canaries = make_canaries(1, copies=(0, 40), each=1)
    adapted = adapt(PLAN, make_base(tmp_path / "base"), PLAIN_CHAT)
    begin = adapted.arrays()
    update = train(adapted, begin, planted([], canaries), (1, 0))
    adapted.take({name: begin[name] + each for name, each in update.items()})
    steps: list[tuple[int, int]] = []
    found = attack(adapted.base, adapted.model, PLAN.tokens, canaries, lambda *at: steps.append(at))
    never, often = found.findings
    assert steps == [(1, 2), (2, 2)]
    assert (often.copies, often.rank, often.exposure_bits) == (40, 1, 8.0)
    assert often.extracted
    assert not never.extracted
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


RECIPE = """
name = "tiny"
base = "{base}"
pairs = "{pairs}"
precision = "fp32"
[fim]
other_middle = "<S>"
window_chars = 60
middle_chars = 20
[fim.tokens]
prefix = "<P>"
suffix = "<S>"
middle = ""
order = "spm"
[lora]
rank = 8
alpha = 16
[steps]
count = {steps}
rows = 4
row_tokens = 192
learning_rate = 0.02
warmup = 2
held_out_rows = 4
"""


def hansa(*arguments: object, codes: tuple[int, ...] = (0,)) -> str:
    """Run the command, and say what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "hansa.cli", *map(str, arguments)], capture_output=True,
        text=True, timeout=500, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode in codes, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_planted_trained_attacked_and_held_against_the_gate(tmp_path: Path, corpus: Path):
    own, pairs, canaries = (tmp_path / each for each in ("own.jsonl", "pairs.jsonl", "c.json"))
    write_pairs(own, [Pair("python", f"def double(n{n}):\n    return ", "\n", f"2 * n{n}")
                      for n in range(20)])  # fmt: skip
    hansa("privacy", "plant", own, "--out", pairs, "--canaries", canaries)
    recipe, run = tmp_path / "tiny.toml", tmp_path / "run"
    base = make_base(tmp_path / "base")
    recipe.write_text(RECIPE.format(base=base, pairs=pairs, steps=1))
    said = hansa("train", recipe, "--corpus", corpus, "--out", tmp_path / "few", codes=(2,))
    assert "fills over 4 rows" in said, "canaries that do not fit would look well hidden"
    recipe.write_text(RECIPE.format(base=base, pairs=pairs, steps=20))
    hansa("train", recipe, "--corpus", corpus, "--out", run, "--json")
    # The secrets are drawn anew each time, so chance has a say in whether one stands out.
    said = hansa("privacy", "attack", run, "--canaries", canaries, codes=(0, 1))
    leaks = "verdict: leaks" in said
    assert leaks != ("verdict: no leak was found" in said)
    gates, _ = read_gates(SHIPPED["all"])
    judged = judge(gates, gather(run, "tiny", "live", tmp_path, corpus=corpus))
    shown = {each.gate: each.holds for each in judged if each.gate.startswith("privacy")}
    assert shown.keys() == {
        f"privacy: {each}" for each in ("report", "canaries", "extracted", "exposure")
    }
    assert shown["privacy: report"]
    assert shown["privacy: canaries"]
    assert (shown["privacy: extracted"] and shown["privacy: exposure"]) != leaks
