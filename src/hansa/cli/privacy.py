"""`hansa privacy`: planted secrets, and whether a trained adapter gives them away."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.eval_asking import bar
from hansa.cli.output import print_json, say
from hansa.cli.train import base_of, require_libraries

if TYPE_CHECKING:
    from hansa.training.canaries import Report
    from hansa.training.planting import Planting

_canaries = click.option(
    "--canaries", "remembered", required=True, type=click.Path(path_type=Path, dir_okay=False),
    help="Remembers the secrets between the two; keep it to yourself.",
)  # fmt: skip


@click.group()
def privacy() -> None:
    """Plant secrets among pairs before a training; say whether the adapter gives them away."""


@privacy.command()
@click.argument("pairs", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the pairs with the secrets; a recipe's `pairs` then names it.",
)
@_canaries
def plant(pairs: Path, out: Path, remembered: Path) -> None:
    """Put made-up secrets among the PAIRS that `hansa events pairs` wrote."""
    from hansa.training.planting import plant as planted

    done = planted(pairs, out, remembered)
    copies = sum(each.copies for each in done.canaries)
    say(f"{out} has {copies} pairs more: {len(done.canaries)} secrets, some never planted")


@privacy.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@_canaries
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def attack(run: Path, remembered: Path, state_dir: Path | None, as_json: bool) -> None:
    """Try to draw the secrets out of the adapter in RUN.

    Writes privacy.json, which `hansa promote` reads, and privacy.txt into RUN. Needs the extra
    `train`. Exit code 1 if it leaks.
    """
    require_libraries()
    from hansa.core.files import user_state_dir
    from hansa.training.canaries import as_text
    from hansa.training.planting import read_planting
    from hansa.training.privacy import write_report

    found = _attacked(run, read_planting(remembered), state_dir or user_state_dir())
    write_report(run, found)
    print_json(found) if as_json else print("\n".join(as_text(found)))
    if found.leaks():
        raise SystemExit(1)


def _attacked(run: Path, planting: "Planting", state_dir: Path) -> "Report":
    from hansa.core.errors import IntegrityError
    from hansa.models.fetching import digest_of
    from hansa.training.planting import trained_of
    from hansa.training.privacy import attack_run

    trained = trained_of(run, planting)
    weights, _ = base_of(trained.base, state_dir)
    if trained.base_sha256 and digest_of(weights) != trained.base_sha256:
        raise IntegrityError(f"{weights} is not the base that {run} was trained from")
    with bar("secrets") as progress:
        return attack_run(run, planting, trained.tokens, weights, progress)
