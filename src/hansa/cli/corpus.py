"""`hansa corpus`: make code to train on, and say what is in it."""

import contextlib
import sys
from collections.abc import Generator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.training.corpus.build import Progress
    from hansa.training.corpus.manifest import Manifest

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def corpus() -> None:
    """Make code to train on, and say what is in it."""


@corpus.command()
@click.option("--from", "places", multiple=True, required=True, metavar="FOLDER_OR_ARCHIVE",
              type=click.Path(path_type=Path, exists=True),
              help="site-packages, wheels and sdists, a tree with a LICENSE, CPython's Lib; "
              "may be repeated.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="A new folder, or one whose build was broken off.")  # fmt: skip
@click.option("--opt-out", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="A list of what its owners do not want in.")  # fmt: skip
@click.option("--against", multiple=True,
              type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="JSON lines of evals; what shares ten words in a row is left out.")  # fmt: skip
@click.option("--against-evals", is_flag=True,
              help="Keep apart what `hansa eval` asks, held-out packages too.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--workers", type=click.IntRange(0, 2), default=2, show_default=True,
              help="Processes that judge; 0 does all in one.")  # fmt: skip
@_json
def build(
    places: tuple[Path, ...], out: Path, opt_out: Path | None, against: tuple[Path, ...],
    against_evals: bool, state_dir: Path | None, workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Make a corpus in a folder: shards of JSON lines and a manifest.

    Only permissively licensed code is taken, each text once, without secrets and personal data.
    A build that was broken off goes on where it was.
    """
    _require_extra()
    from hansa.core.files import user_state_dir
    from hansa.training.corpus.build import build as make
    from hansa.training.corpus.decontaminate import texts_of
    from hansa.training.corpus.evals import eval_texts, without_held_out
    from hansa.training.corpus.optout import read_opt_out

    if not against and not against_evals:
        say("neither --against-evals nor --against was given: no eval is kept apart")
    left_out = read_opt_out(opt_out) if opt_out else None
    texts = (text for path in against for text in texts_of(path))
    if against_evals:
        texts = chain(texts, eval_texts(state_dir or user_state_dir()))
        left_out = without_held_out(left_out)
    with _progress() as progress:
        made = make(
            list(places),
            out,
            against=texts,
            opt_out=left_out,
            workers=workers,
            progress=progress,
        )
    print_json(made) if as_json else _print_summary(made)


@corpus.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_json
def show(folder: Path, as_json: bool) -> None:
    """Show what is in the corpus in FOLDER, by source, and what was left out."""
    from hansa.training.corpus.manifest import read_manifest

    made = read_manifest(folder)
    if as_json:
        print_json(made)
        return
    print_table(
        ["SOURCE", "VERSION", "LICENCE", "FILES", "KEPT", "KB"],
        [[each.name, each.version, each.licence[:40], each.files, each.kept,
          each.text_bytes // 1000] for each in made.sources],
    )  # fmt: skip
    print()
    _print_summary(made)


def _print_summary(made: "Manifest") -> None:
    shards = f"{len(made.shards)} shard{'' if len(made.shards) == 1 else 's'}"
    print(
        f"kept      {made.kept} of {made.files} files, {_size(made.text_bytes)} of text, {shards}"
    )
    for head, counts in (("left out", made.dropped()), ("replaced", made.replaced())):
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        if said:
            print(f"{head}  {said}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.1f} kB"


def _require_extra() -> None:
    from importlib.util import find_spec

    from hansa.core.errors import UserError

    missing = [name for name in ("numpy", "detect_secrets") if find_spec(name) is None]
    if missing:
        raise UserError(f"not installed: {', '.join(missing)}", hint="pip install 'hansa[train]'")


@contextlib.contextmanager
def _progress() -> "Generator[Progress | None]":
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
