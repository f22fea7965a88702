# pyright: basic, reportMissingImports=false
"""A federated adapter beside each member's own, on held-out edits of all members together.

Run by `.venv-train/bin/python benchmarks/federated.py`. Members write in idioms of their own, under
names of their own; their texts go the whole way: settled text, anonymiser, filter, pairs, rounds,
an adapter. The base is a random Llama of two layers unless --base names a folder. Canaries are
planted at one member, behind the anonymiser, and the privacy report says what the adapter gives
away of them. --flower trains by Flower's simulation (Ray), else messages pass in one process.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hansa.editor.texts import SettledText
from hansa.models.profile import FimTokens
from hansa.training.canaries import as_text, make_canaries, planted
from hansa.training.federate.home import adapt, train
from hansa.training.federate.plan import Plan, epsilon
from hansa.training.federate.simulation import run_by_flower, run_plainly
from hansa.training.pairs import Pair, make_pairs, write_pairs
from hansa.training.privacy import attack
from hansa.training.recipe import PLAIN_CHAT, Lora
from hansa.training.vocabulary import base_names, library_names
from report import Claim, option_parser, report
from support.learner import make_base

IDIOMS = (
    ("open({}, 'rb')", "open({}, 'rb').read()"),
    ("json.dumps({})", "json.dumps({}, indent=2)"),
    ("list({})", "[x for x in {} if x]"),
)
"""By member: what was suggested, what it was made into."""
TOKENS = FimTokens(prefix="<P>", suffix="<S>", middle="", order="spm")
PAIRS, HELD_OUT = 24, 8


def main() -> None:
    parser = option_parser(__doc__ or "")
    parser.add_argument("--base", type=Path, help="a folder in transformers' format")
    parser.add_argument("--flower", action="store_true", help="by Flower's simulation (Ray)")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--clip", type=float, default=5.5)
    parser.add_argument("--noise", type=float, default=0.002)
    options = parser.parse_args()
    plan = Plan(
        name="federated", base="", tokens=TOKENS, seed=1, rounds=options.rounds,
        steps=options.steps, row_tokens=128, learning_rate=0.02, lora=Lora(rank=8, alpha=16.0),
        clip=options.clip, noise=options.noise, pairs_min=8,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        base = options.base or make_base(Path(folder))
        report(_measured(plan, base, Path(folder), by_flower=options.flower), options.json)


def _measured(plan: Plan, base: Path, folder: Path, *, by_flower: bool) -> list[Claim]:
    made = [_pairs(member) for member in range(len(IDIOMS))]
    pooled = [pair for _, held_out in made for pair in held_out]
    canaries = make_canaries(1)
    homes = _homes(folder, [planted(made[0][0], canaries), *(pairs for pairs, _ in made[1:])])
    adapted = adapt(plan, base, PLAIN_CHAT)
    begin = adapted.arrays()
    untrained = adapted.loss(pooled)
    adapted.take((run_by_flower if by_flower else run_plainly)(plan, base, PLAIN_CHAT, homes))
    together = adapted.loss(pooled)
    given_away = attack(adapted.base, adapted.model, plan.tokens, canaries)
    print("\n".join(as_text(given_away)))
    alone = msgspec.structs.replace(plan, steps=plan.steps * plan.rounds)
    own: list[float] = []
    for pairs, _ in made:
        single = adapt(alone, base, PLAIN_CHAT)
        update = train(single, begin, pairs, (plan.seed, 0))
        single.take({name: begin[name] + each for name, each in update.items()})
        own.append(single.loss(pooled))
    return [
        Claim("pairs of each member", len(made[0][0]), ""),
        Claim("held-out pairs of all members", len(pooled), ""),
        Claim("loss, untrained", untrained, "nats"),
        *(Claim(f"loss, own adapter of member {at}", each, "nats") for at, each in enumerate(own)),
        Claim("loss, federated adapter", together, "nats", min(own)),
        Claim("epsilon at delta 1e-5, a member as the unit", epsilon(plan.noise, plan.rounds), ""),
        Claim("canaries drawn out", given_away.extracted, f"of {len(canaries)}"),
        *(
            Claim(f"exposure, planted {copies} times", bits, "bits")
            for copies, bits in given_away.mean_bits.items()
        ),
    ]


def _pairs(member: int) -> tuple[list[Pair], list[Pair]]:
    """To train on and held out, as `hansa events pairs` makes them."""
    made = make_pairs(_texts(member), base_names() | library_names())
    assert len(made.pairs) >= PAIRS + HELD_OUT, made.dropped
    return made.pairs[:PAIRS], made.pairs[PAIRS : PAIRS + HELD_OUT]


def _texts(member: int) -> Iterator[SettledText]:
    chance = Random(member)
    suggested, settled = IDIOMS[member]
    for number in range(4 * (PAIRS + HELD_OUT)):
        noun = f"secret{chance.randrange(10**6)}"
        before = f"def member{member}_{noun}({noun}):\n    return "
        yield SettledText(
            number, f"req-{number}", "python", True, 30, before, suggested.format(noun),
            settled.format(noun), "\n",
        )  # fmt: skip


def _homes(folder: Path, pairs: list[list[Pair]]) -> list[Path]:
    homes = [folder / f"member-{at}" for at in range(len(pairs))]
    for home, each in zip(homes, pairs, strict=True):
        home.mkdir()
        write_pairs(home / "pairs.jsonl", each)
    return homes


if __name__ == "__main__":
    main()
