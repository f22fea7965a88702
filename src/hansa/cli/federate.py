"""`hansa federate`: one adapter of several members, on this machine."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.eval_asking import bar
from hansa.cli.output import say
from hansa.cli.train import base_of, require_libraries

if TYPE_CHECKING:
    from hansa.training.federate.plan import Plan
    from hansa.training.federate.updates import Arrays


@click.group()
def federate() -> None:
    """Train one adapter together with other members, whose pairs stay at home."""


@federate.command()
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--member", "homes", required=True, multiple=True, metavar="FOLDER",
              type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="A member's folder with pairs.jsonl in it; once for each member.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder for the adapter and federated.json.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
def simulate(plan: Path, homes: tuple[Path, ...], out: Path, state_dir: Path | None) -> None:
    """Follow PLAN with all members in this process, one after the other.

    Messages pass through Flower's own bytes, as they would between machines. Needs the extra
    `train` and Flower.
    """
    require_libraries()
    _require_flower()
    from hansa.core.files import user_state_dir
    from hansa.training.federate.home import adapt
    from hansa.training.federate.keeping import keep
    from hansa.training.federate.plan import read_plan
    from hansa.training.recipe import PLAIN_CHAT

    followed = read_plan(plan)
    weights, _ = base_of(followed.base, state_dir or user_state_dir())
    arrays = _trained(followed, weights, homes)
    print(keep(adapt(followed, weights, PLAIN_CHAT), arrays, out))
    say(f"{out / 'federated.json'} says what it promises members")


def _trained(plan: "Plan", weights: Path, homes: tuple[Path, ...]) -> "Arrays":
    from hansa.training.federate.simulation import run_plainly
    from hansa.training.recipe import PLAIN_CHAT

    answers = 0
    with bar(plan.name) as progress:

        def seen(direction: str, _: bytes) -> None:
            nonlocal answers
            answers += direction == "to the coordinator"
            progress(answers, plan.rounds * len(homes))

        return run_plainly(plan, weights, PLAIN_CHAT, homes, seen)


def _require_flower() -> None:
    from hansa.core.errors import ConfigError

    if importlib.util.find_spec("flwr") is None:
        raise ConfigError("federated training needs flwr", hint="pip install flwr")
