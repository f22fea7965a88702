# pyright: basic, reportMissingImports=false
"""Three members train one adapter that beats each one's own, and nothing of theirs is on the wire.

Source of the comparison: pooled held-out pairs of all members, by the mean loss of their targets.
"""

import json
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from hansa.cli.federate import simulate
from hansa.cli.privacy import attack
from hansa.core.errors import UserError
from hansa.models.fetching import digest_of
from hansa.models.profile import FimTokens
from hansa.training.federate.home import adapt, train
from hansa.training.federate.keeping import keep
from hansa.training.federate.plan import Plan
from hansa.training.pairs import Pair, write_pairs
from hansa.training.planting import plant
from hansa.training.recipe import PLAIN_CHAT, Lora
from support.learner import make_base

messages = pytest.importorskip(
    "hansa.training.federate.messages", reason="Flower is in .venv-train", exc_type=ImportError
)
simulation = pytest.importorskip(
    "hansa.training.federate.simulation", reason="Flower is in .venv-train", exc_type=ImportError
)

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default::FutureWarning"),  # PEFT's and Flower's own.
    pytest.mark.filterwarnings("default::DeprecationWarning"),
]

IDIOMS = ("open({}, 'rb').read()", "json.dumps({}, indent=2)", "[x for x in {} if x]")
CANARY = "zqcanary"
PLAN = Plan(
    name="tiny", base="", tokens=FimTokens("<P>", "<S>", "", order="spm"), seed=1,
    rounds=8, steps=6, rows=4, row_tokens=128, learning_rate=0.02,
    lora=Lora(rank=8, alpha=16.0), clip=5.5, pairs_min=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


def pairs_of(member: int, seed: int, count: int) -> list[Pair]:
    """Pairs in the idiom of one member."""
    chance = random.Random(f"{member} {seed}")
    names = [chance.choice("abcdefgh") + chance.choice("xyz") for _ in range(count)]
    return [
        Pair("python", f"def f({each}):\n    return ", "\n", IDIOMS[member].format(each))
        for each in names
    ]


def at_home(member: int) -> list[Pair]:
    """What a member trains on, with a canary in every part of a pair."""
    mark = f"{CANARY}{member}"
    return [*pairs_of(member, 1, 24), Pair("python", f"{mark} = ", f"# {mark}", mark, f"{mark}2")]


@pytest.fixture
def homes(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"member-{member}" for member in range(3)]
    for member, home in enumerate(found):
        home.mkdir()
        write_pairs(home / "pairs.jsonl", at_home(member))
    return found


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_the_federated_adapter_beats_each_members_own(base: Path, homes: list[Path], noise: float):
    plan = msgspec.structs.replace(PLAN, noise=noise)
    pooled = [pair for member in range(3) for pair in pairs_of(member, 2, 6)]
    adapted = adapt(plan, base, PLAIN_CHAT)
    begin = adapted.arrays()
    untrained = adapted.loss(pooled)
    together = simulation.run_plainly(plan, base, PLAIN_CHAT, homes)
    adapted.take(together)
    federated = adapted.loss(pooled)
    alone = msgspec.structs.replace(plan, steps=plan.steps * plan.rounds)
    own = []
    for member in range(3):
        single = adapt(alone, base, PLAIN_CHAT)
        update = train(single, begin, at_home(member), (1, 0))
        single.take({name: begin[name] + each for name, each in update.items()})
        own.append(single.loss(pooled))
    assert federated < min(own) - 0.3
    assert max(own) < untrained


def test_a_plan_is_followed_by_a_command_and_its_adapter_attacked(
    base: Path, homes: list[Path], tmp_path: Path
):
    tokens = 'prefix = "<P>"\nsuffix = "<S>"\nmiddle = ""\norder = "spm"'
    plan, out, canaries = (tmp_path / each for each in ("plan.toml", "out", "canaries.json"))
    plan.write_text(
        f'name = "tiny"\nbase = "{base}"\nrounds = 1\nsteps = 2\nrow_tokens = 128\n'
        f"pairs_min = 8\n[tokens]\n{tokens}\n"
    )
    plant(homes[0] / "pairs.jsonl", homes[0] / "pairs.jsonl", canaries)
    members = [word for home in homes for word in ("--member", str(home))]
    run = CliRunner().invoke(simulate, [str(plan), *members, "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert json.loads((out / "federated.json").read_text())["plan"]["name"] == "tiny"
    told = CliRunner().invoke(attack, [str(out), "--canaries", str(canaries)])
    assert told.exit_code == 0, told.output
    report = json.loads((out / "privacy.json").read_text())
    assert len(report["findings"]) == 20
    assert report["adapter_sha256"] == digest_of(out / "adapter/adapter_model.safetensors")


def test_on_the_wire_are_adapters_and_a_count_and_nothing_else(base: Path, homes: list[Path]):
    wire: list[tuple[str, bytes]] = []
    plan = msgspec.structs.replace(PLAN, rounds=1, steps=1)
    simulation.run_plainly(plan, base, PLAIN_CHAT, homes, lambda *sent: wire.append(sent))
    answers = [data for direction, data in wire if direction == "to the coordinator"]
    assert len(answers) == 3
    adapted = adapt(plan, base, PLAIN_CHAT)
    shapes = {name: each.shape for name, each in adapted.arrays().items()}
    for data in answers:
        content = simulation.MessageProto.FromString(data).content
        kinds = {item.key: item.WhichOneof("value") for item in content.items}
        assert kinds == {"update": "array_record", "count": "metric_record"}
        for item in content.items:
            if item.key == "update":
                arrays = {each.key: each.value for each in item.array_record.items}
                assert {name: tuple(each.shape) for name, each in arrays.items()} == shapes
                assert {each.dtype for each in arrays.values()} == {"float32"}
                # Every byte is of the array itself: a header of 128 and four for each number.
                assert all(
                    len(each.data) == 128 + 4 * np.prod(each.shape) for each in arrays.values()
                )
            else:
                [count] = item.metric_record.items
                assert (count.key, count.value.sint64) == ("count", 20)
    secrets = [CANARY, "json.dumps", "open(", "return", "def f", "member-0", homes[0].parent.name]
    for _, data in wire:
        assert not [each for each in secrets if each.encode() in data]
        assert not _tokens_are_in(data, adapted, at_home(0)[0])


def test_a_member_that_fails_tells_nothing_of_why(base: Path, homes: list[Path]):
    (homes[0] / "pairs.jsonl").write_text(json.dumps({CANARY: "return"}) + "\n")
    wire: list[bytes] = []
    with pytest.raises(UserError, match="had 2 answers that count, of 3"):
        simulation.run_plainly(
            msgspec.structs.replace(PLAN, rounds=1, steps=1), base, PLAIN_CHAT, homes,
            lambda direction, data: wire.append(data),
        )  # fmt: skip
    assert any(messages.FAILED.encode() in each for each in wire)
    assert not [each for each in wire if CANARY.encode() in each or b"pairs" in each]


def _tokens_are_in(data: bytes, adapted, pair: Pair) -> bool:
    """Whether a few tokens of a pair in a row are anywhere, as numbers of any usual width."""
    ids = adapted.base.tokenize(pair.prefix)[:8]
    widths = (np.int16, np.int32, np.int64, np.float32)
    return any(np.array(ids, width).tobytes() in data for width in widths)


def test_what_is_kept_is_the_adapter(base: Path, tmp_path: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    adapted = adapt(PLAN, base, PLAIN_CHAT)
    arrays = {name: each + np.float32(0.5) for name, each in adapted.arrays().items()}
    home = keep(adapted, arrays, tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(base)
    loaded = dict(PeftModel.from_pretrained(plain, home).named_parameters())
    assert all(np.array_equal(loaded[name].detach().numpy(), each) for name, each in arrays.items())
    assert (tmp_path / "adapter.gguf").stat().st_size > 1_000
    assert json.loads((tmp_path / "federated.json").read_text())["epsilon"] is None
    assert str(base) not in (home / "adapter_config.json").read_text()
