"""Write docs/reference/commands.md, metrics.md, models.md and docs/openapi.json from the program.

Usage: scripts/reference.py [--check]. With --check nothing is written; exits 1 if a page is old.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from openapi import openapi_page

from hansa.cli.main import cli
from hansa.cli.model_card import price_of, score_of, size_of
from hansa.models.catalog import Card, catalog
from hansa.models.gpus import GPUS
from hansa.observe.metrics import Metrics

FOLDER = Path(__file__).resolve().parents[1] / "docs"

COMMANDS_HEAD = """\
# Commands

Written by `scripts/reference.py` (`make reference`); do not edit.

Data goes to stdout, everything said to a person to stderr. `--json` prints one JSON document. Exit
codes: 0 done, 1 it ran and the answer is no, 2 wrong use or configuration, 130 interrupted; see
[errors](errors.md).
"""

METRICS_HEAD = """\
# Metrics

Written by `scripts/reference.py` (`make reference`); do not edit.

`GET /metrics` answers in the Prometheus text format, without a key. Units are base units (seconds,
tokens); no label names a person. [The operator's guide](../operator.md) says what to watch.

| name | type | labels | what it says |
| --- | --- | --- | --- |
"""


MODELS_HEAD = """\
# Models and GPUs

Written by `scripts/reference.py` (`make reference`) from the catalog's cards; do not edit. What to
do with it: [models](../models.md). `hansa model card MODEL` prints a card with all sources.

## The catalog

Prices are dollars per 1,000,000 tokens. Scores are claims of the makers or of the founding members'
table, but for those called measured. A digest is known where Hansa ships it or names who pinned it;
else the pull takes it from the Hub and pins it.

"""

GPUS_HEAD = """
## GPUs that `hansa model plan` knows

Memory as the maker's tool reports it, bandwidth from the maker's data sheet. FP8 `weights`: weights
are kept in FP8, computing is in 16 bits.

"""


def main(arguments: list[str]) -> int:
    pages = {
        "reference/commands.md": commands_page(),
        "reference/metrics.md": metrics_page(),
        "reference/models.md": models_page(),
        "openapi.json": openapi_page(),
    }
    old = [name for name, text in pages.items() if _read(FOLDER / name) != text]
    if "--check" in arguments:
        for name in old:
            sys.stderr.write(f"reference: docs/{name} is old; run `make reference`\n")
        return 1 if old else 0
    for name in old:
        (FOLDER / name).write_text(pages[name])
    return 0


def commands_page() -> str:
    root = click.Context(cli, info_name="hansa")
    return COMMANDS_HEAD + "".join(_section(each) for each in _tree(root))


def metrics_page() -> str:
    rows = [
        f"| `{_full_name(each)}` | {each._type} | {', '.join(f'`{n}`' for n in each._labelnames)} "
        f"| {each._documentation} |\n"
        for each in vars(Metrics()).values()
        if hasattr(each, "_documentation")
    ]
    return METRICS_HEAD + "".join(rows)


def models_page() -> str:
    head = (
        "model", "kind", "parameters", "context", "licence", "fills in the middle", "MMLU",
        "HumanEval", "price", "weights", "digest", "engines", "fits",
    )  # fmt: skip
    models = _table(head, [_model_row(each) for each in catalog().values()])
    gpus = [
        (f"`{each.id}`", each.name, f"{each.memory_mib:,} MiB", f"{each.bandwidth_gb_per_s:,} GB/s",
         each.fp8)
        for each in GPUS.values()
    ]  # fmt: skip
    return (
        MODELS_HEAD
        + models
        + GPUS_HEAD
        + _table(("gpu", "card", "memory", "bandwidth", "FP8"), gpus)
    )


def _model_row(card: Card) -> tuple[str, ...]:
    weights, recipe = card.weights, card.recipe
    origin = getattr(weights, "package", None) or getattr(weights, "repository", None)
    digest = f"`{weights.sha256[:12]}...`" if weights.sha256 else "pinned when pulled"
    hosted = recipe.engine == "hosted"
    return (
        f"`{card.id}`",
        card.kind,
        size_of(card),
        f"{card.profile.context_tokens:,}",
        card.licence,
        "yes" if card.profile.fim else "no",
        score_of(card, "MMLU"),
        score_of(card, "HumanEval"),
        price_of(card),
        f"`{origin}`" if origin else f"hosted by {card.maker}",
        "-" if hosted else digest,
        recipe.provider if hosted else ", ".join((recipe.engine, *recipe.also)),
        f"{recipe.gpu} {recipe.precision}".strip() or "-",
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _tree(context: click.Context) -> Iterator[click.Context]:
    """Every command below `context`, groups before what is in them."""
    command = context.command
    assert isinstance(command, click.Group)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found, name
        below = click.Context(found, info_name=name, parent=context)
        yield below
        if isinstance(found, click.Group):
            yield from _tree(below)


def _section(context: click.Context) -> str:
    command = context.command
    level = "##" if context.parent and context.parent.parent is None else "###"
    usage = " ".join(command.collect_usage_pieces(context))
    text = inspect.cleandoc(command.help or "")
    lines = [f"\n{level} {context.command_path}\n", f"    {context.command_path} {usage}\n", text]
    options = [each for each in command.params if isinstance(each, click.Option)]
    rows = [each.get_help_record(context) for each in options]
    if rows:
        lines += ["", "| option | what it does |", "| --- | --- |"]
        lines += [f"| `{_cell(row[0])}` | {_cell(row[1])} |" for row in rows if row]
    return "\n".join(lines) + "\n"


def _full_name(metric: object) -> str:
    name, kind = metric._name, metric._type
    return f"{name}_total" if kind == "counter" else name


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
