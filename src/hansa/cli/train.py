"""`hansa train`: one stage of training, by a recipe."""

import contextlib
import importlib.util
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.core.errors import ConfigError

if TYPE_CHECKING:
    from hansa.models.profile import Profile
    from hansa.training.recipe import Recipe
    from hansa.training.record import Record


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--corpus", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="What `hansa corpus build` made.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="A new folder, or one whose run was broken off.")  # fmt: skip
@click.option("--ray", "workers", type=click.IntRange(1), metavar="WORKERS",
              help="Train by Ray on so many workers (RAY_ADDRESS, else here).")  # fmt: skip
@click.option("--gpu", is_flag=True, help="With --ray: a GPU for each worker.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train(
    recipe: Path, corpus: Path, out: Path, workers: int | None, gpu: bool, state_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Train by RECIPE on a corpus; goes on from its last checkpoint if it was broken off.

    Needs the extra `train`. Several GPUs: `accelerate launch --config_file recipes/fsdp.yaml -m
    hansa.cli train ...`; several machines: docs/train.md.
    """
    require_libraries()
    from hansa.core.files import user_state_dir
    from hansa.training.recipe import read_recipe
    from hansa.training.stage1 import run

    followed = read_recipe(recipe)
    state = state_dir or user_state_dir()
    weights, profile = base_of(followed.base, state)
    taught_by = followed.student.teacher if followed.student else ""
    teacher = base_of(taught_by, state)[0] if taught_by else None
    if workers:
        from hansa.training.ray_train import run_on_ray

        record = run_on_ray(
            followed, profile, weights, corpus, out, workers=workers, gpu=gpu, teacher=teacher
        )
    else:
        with _progress(followed, quiet=as_json) as seen:
            record = run(followed, profile, weights, corpus, out, seen, teacher)
    wanted = followed.steps.count * followed.steps.rows
    if record.rows < wanted:
        say(f"the corpus gave {record.rows:,} rows where {wanted:,} were asked for, so they were "
            "learnt more than once: take more sources, or a lower per_chars")  # fmt: skip
    _show(record, out, as_json)


def require_libraries() -> None:
    """Raises ConfigError, with what to do, where the training libraries are not installed."""
    missing = [name for name in ("torch", "transformers", "peft") if not _found(name)]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}",
            hint="pip install 'hansa[train]', or here: make setup-train, then "
            ".venv-train/bin/python -m hansa.cli train",
        )


def _found(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def base_of(name: str, state_dir: Path) -> "tuple[Path, Profile]":
    """The weights of a base or a teacher, of the catalog or a folder, and how it is prompted."""
    from hansa.models.catalog import card_of
    from hansa.models.store import ModelStore
    from hansa.training.recipe import PLAIN_CHAT

    folder = Path(name)
    if folder.is_dir():
        return folder, PLAIN_CHAT
    card = card_of(name)
    return ModelStore(state_dir).require(card), card.profile


@contextlib.contextmanager
def _progress(recipe: "Recipe", *, quiet: bool) -> "Generator[Callable[[int, float, float], None]]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}, {task.fields[speed]:,.0f} tokens/s"), Remaining(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(recipe.name, total=recipe.steps.count, loss=0.0, speed=0.0)

        def seen(step: int, loss: float, speed: float) -> None:
            bar.update(task, completed=step + 1, loss=loss, speed=speed)

        yield seen


def _show(record: "Record", out: Path, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    say(f"held-out loss {record.first_held_out:.3f} at first, {record.last_held_out:.3f} at last")
    for name in record.files:
        print(out / name)
