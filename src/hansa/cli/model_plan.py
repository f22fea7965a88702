"""`hansa model plan`: does it fit these GPUs, how, and with which command."""

from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.models.catalog import Card
    from hansa.models.gpus import GpuSet
    from hansa.models.plan import Fit, Plan, Precision

GIB = 1024**3


@click.command()
@click.argument("name")
@click.option("--gpu", required=True, help="Kind and number, like h100:8.")
@click.option("--precision", type=click.Choice(["bf16", "fp8", "q8_0", "q5_k_m", "q4_k_m"]),
              help="Only this one; else the best that fits.")  # fmt: skip
@click.option("--context", type=click.IntRange(min=1),
              help="Tokens one request may take with its answer; else the recipe's.")  # fmt: skip
@click.option("--tensor-parallel", type=click.IntRange(min=1),
              help="GPUs of one replica; else as few as hold the context.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    name: str,
    gpu: str,
    precision: "str | None",
    context: int | None,
    tensor_parallel: int | None,
    as_json: bool,
) -> None:
    """Say whether a model fits GPUs, and the command that serves it there.

    Weights and cache are exact, from the model's shape; the room an engine needs beside them is an
    estimate. Exits 1 if it does not fit.
    """
    from hansa.models.catalog import card_of
    from hansa.models.gpus import parse_gpus
    from hansa.models.launch import command, engines_of
    from hansa.models.plan import plan as work_out

    card, gpus = card_of(name), parse_gpus(gpu)
    planned = work_out(
        card,
        gpus,
        precision=precision,  # type: ignore[arg-type]  click's choice is what it may be
        context=context or 0,
        tensor_parallel=tensor_parallel or 0,
    )
    best = planned.best
    engines = engines_of(card, gpus, best.precision) if best.fits else []
    commands = {engine: command(card, best, engine) for engine in engines}
    if as_json:
        print_json({"plan": planned, "fits": planned.possible, "commands": commands})
    else:
        _show(card, gpus, planned, commands)
    if not planned.possible:
        raise SystemExit(1)


def _show(card: "Card", gpus: "GpuSet", planned: "Plan", commands: dict[str, str]) -> None:
    print_table(
        ("precision", "weights", "fits", "GPUs a replica", "context", "at once", "replicas",
         "a token takes at least"),
        [_row(each) for each in planned.fits],
    )  # fmt: skip
    best = planned.best
    print()
    if not best.fits:
        print(f"{card.id} does not fit {gpus}: needs {_gib(best.needs_bytes)}, "
              f"has {_gib(best.has_bytes)} ({best.precision}, one request)")  # fmt: skip
        return
    print(f"{card.id} fits {gpus} in {best.precision}: needs {_gib(best.needs_bytes)} of "
          f"{_gib(best.has_bytes)} on {best.tensor_parallel} of them; "
          f"{_requests(best.sequences)} of {best.context_tokens:,} tokens at once, "
          f"{best.kv_bytes_per_token:,} bytes of cache a token")  # fmt: skip
    if best.precision == "fp8" and gpus.gpu.fp8 == "weights":
        print(f"{gpus.gpu.name} keeps FP8 weights and computes in 16 bits")
    for engine, line in commands.items():
        print(f"\n{engine}:\n  {line}")
    if not commands:
        say(_unserved(card, best.precision))
    if card.recipe.note:
        say(f"note: {card.recipe.note}")


def _unserved(card: "Card", precision: "Precision") -> str:
    """Why there is no command."""
    from hansa.models.plan import GGUF
    from hansa.models.recipe import GPU_ENGINES

    engines = [card.recipe.engine, *card.recipe.also]
    if precision not in GGUF:
        return f"no engine of its recipe ({', '.join(engines)}) loads {precision}"
    more = ", or take more GPUs" if set(engines) & set(GPU_ENGINES) else ""
    return f"the catalog knows no {precision} file of it; make one with llama.cpp{more}"


def _row(fit: "Fit") -> list[str | int]:
    if not fit.fits:
        # llama.cpp's files are planned for one GPU, however many there are.
        lacks = f"no, needs {_gib(fit.needs_bytes)} of {_gib(fit.has_bytes)}"
        return [fit.precision, _gib(fit.weights_bytes), lacks, "-", "-", "-", "-", "-"]
    return [
        fit.precision,
        _gib(fit.weights_bytes),
        "yes",
        str(fit.tensor_parallel),
        f"{fit.context_tokens:,}",
        str(fit.sequences),
        str(fit.replicas),
        f"{fit.token_ms_min:.1f} ms",
    ]


def _requests(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
