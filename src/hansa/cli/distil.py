"""`hansa distil`: what a teacher of the league says, as examples for a student."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.eval_asking import ADDRESS_OPTIONS, address_of
from hansa.cli.output import say

if TYPE_CHECKING:
    from hansa.evals.endpoint import Endpoint
    from hansa.training.examples import Example


def _asks_a_model(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(ADDRESS_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--corpus", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="What `hansa corpus build` made.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="File for the examples; the recipe's [distilled] then names it.")  # fmt: skip
@click.option("--kind", type=click.Choice(["functions", "middles"]), default="functions",
              show_default=True, help="What the teacher is asked for.")  # fmt: skip
@click.option("--count", type=click.IntRange(1), default=1000, show_default=True,
              help="How many it is asked for.")  # fmt: skip
@click.option("--at-once", type=click.IntRange(1, 256), default=4, show_default=True,
              help="Questions under way at a time.")  # fmt: skip
@_asks_a_model
def distil(
    recipe: Path, corpus: Path, out: Path, kind: str, count: int, at_once: int, model: str,
    state_dir: Path | None, **asking: str | Path | None,
) -> None:  # fmt: skip
    """Ask a model of the league to write code, and keep what is good for the student of RECIPE.

    Functions are kept if the examples of their docstrings run in the sandbox, middles if the model
    ended them by itself.
    """
    from hansa.core.files import user_state_dir, write_atomic

    address = address_of(model, state_dir or user_state_dir(), **asking)  # type: ignore[arg-type]  click's

    async def gathered() -> list[bytes]:
        import msgspec

        from hansa.evals.endpoint import Endpoint

        async with Endpoint(address) as teacher:
            examples = _examples(recipe, corpus, kind, teacher, count, at_once)
            return [msgspec.json.encode(each) + b"\n" async for each in examples]

    lines = asyncio.run(gathered())
    write_atomic(out, b"".join(lines))
    say(f"kept {len(lines)} of {count} asked for")
    print(out)


def _examples(
    path: Path, corpus: Path, kind: str, teacher: "Endpoint", count: int, at_once: int
) -> "AsyncIterator[Example]":
    from hansa.models.catalog import catalog
    from hansa.training import distil as distillation
    from hansa.training.corpus.reading import python_texts
    from hansa.training.recipe import PLAIN_CHAT, read_recipe

    recipe = read_recipe(path)
    texts = python_texts(corpus, recipe.source_chars)
    if kind == "middles":
        return distillation.middles(
            texts, teacher, recipe.fim, seed=recipe.seed, count=count, at_once=at_once
        )
    card = catalog().get(recipe.base)
    profile = card.profile if card else PLAIN_CHAT
    return distillation.functions(texts, teacher, profile, count=count, at_once=at_once)
