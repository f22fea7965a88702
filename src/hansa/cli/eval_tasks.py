"""The benchmarks of `hansa eval`."""

from pathlib import Path

import click

from hansa.cli.eval_asking import Measuring, Options, bar, measure, measures_a_model
from hansa.cli.output import print_json

_UNSAFE = click.option(
    "--unsafe", is_flag=True, help="Run the models' code as you, without the sandbox."
)
_PREFIX_ONLY = click.option(
    "--prefix-only",
    is_flag=True,
    help="For a model that only continues text: no suffix, cut before the last newline.",
)
SETS = ("single-line", "multi-line", "random-span")


@click.command()
@click.option(
    "--mode",
    type=click.Choice(["chat", "complete"]),
    default="chat",
    show_default=True,
    help="Ask in a chat, or let the model continue the text.",
)
@click.option("--max-tokens", type=click.IntRange(16, 8192), default=512, show_default=True,
              help="Of an answer.")  # fmt: skip
@_UNSAFE
@measures_a_model
def humaneval(measuring: Measuring, mode: str, max_tokens: int, unsafe: bool) -> None:
    """Write 164 functions; their tests run in a sandbox. Prints pass@k."""
    from hansa.evals.humaneval import HumanEval
    from hansa.evals.problems import load_problems

    _isolate(unsafe=unsafe)
    benchmark = HumanEval(
        load_problems(measuring.state()),
        mode="chat" if mode == "chat" else "complete",
        max_tokens=max_tokens,
        unsafe=unsafe,
    )
    measure(measuring, benchmark, {"mode": mode, "max_tokens": max_tokens})


@click.command()
@click.argument("which", metavar="SET", type=click.Choice(SETS))
@_PREFIX_ONLY
@click.option("--execute", is_flag=True, help="Also run the tests on what was filled in.")
@_UNSAFE
@measures_a_model
def infill(
    measuring: Measuring, which: str, prefix_only: bool, execute: bool, unsafe: bool
) -> None:
    """Fill holes in HumanEval's solutions: SET is single-line, multi-line or random-span."""
    from hansa.evals.infill import Infill
    from hansa.evals.problems import load_problems

    if execute:
        _isolate(unsafe=unsafe)
    problems = load_problems(measuring.state())
    benchmark = Infill(problems, which, prefix_only=prefix_only, execute=execute, unsafe=unsafe)
    measure(measuring, benchmark, {"prefix_only": prefix_only, "execute": execute})


@click.command()
@_PREFIX_ONLY
@measures_a_model
def repository(measuring: Measuring, prefix_only: bool) -> None:
    """Complete lines of real packages that need what another of their files defines."""
    from hansa.evals.packages import HELD_OUT, fetch_packages
    from hansa.evals.repository import Repository, places_in

    sources = fetch_packages(measuring.state())
    places = [place for each in HELD_OUT for place in places_in(each.folder, sources[each.name])]
    benchmark = Repository(places, prefix_only=prefix_only)
    packages = " ".join(f"{each.name}=={each.version}" for each in HELD_OUT)
    measure(measuring, benchmark, {"prefix_only": prefix_only, "packages": packages})


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--base", is_flag=True, help="Let the model continue the text, not in a chat.")
@measures_a_model
def mmlu(measuring: Measuring, data: Path, base: bool) -> None:
    """Answer MMLU's questions, five shown first; DATA holds its dev/ and test/ folders."""
    from hansa.evals.mmlu import Mmlu

    measure(measuring, Mmlu(data, chat=not base), {"base": base})


@click.command()
@_PREFIX_ONLY
@click.option("--count", type=click.IntRange(1, 1033), default=100, show_default=True,
              help="Completions to ask for.")  # fmt: skip
@click.option("--max-tokens", type=click.IntRange(1, 1024), default=24, show_default=True,
              help="Of a completion.")  # fmt: skip
@measures_a_model
def latency(measuring: Measuring, prefix_only: bool, count: int, max_tokens: int) -> None:
    """Time completions of an editor's kind, asked one after the other."""
    from dataclasses import replace

    from hansa.evals.latency import Latency
    from hansa.evals.problems import load_problems

    problems = load_problems(measuring.state())
    benchmark = Latency(problems, prefix_only=prefix_only, count=count, max_tokens=max_tokens)
    at_once = measuring.at_once or 1
    options: Options = {"prefix_only": prefix_only, "max_tokens": max_tokens, "at_once": at_once}
    measure(replace(measuring, at_once=at_once), benchmark, options)


@click.command()
@_UNSAFE
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(unsafe: bool, state_dir: Path | None, as_json: bool) -> None:
    """Check the harness: all published solutions must pass, no empty one. Exits 1 if not."""
    import asyncio

    from hansa.core.files import user_state_dir
    from hansa.evals.correctness import examine
    from hansa.evals.humaneval import Judge
    from hansa.evals.problems import load_problems

    _isolate(unsafe=unsafe)
    problems = load_problems(state_dir or user_state_dir())
    with bar("check") as progress:
        done = asyncio.run(examine(problems, Judge(unsafe=unsafe), progress))
    if as_json:
        print_json(done)
    else:
        print(f"published solutions  {done.solutions_passed} of {done.problems} pass")
        print(f"empty completions    {done.empty_passed} of {done.problems} pass")
        for each in done.wrong:
            print(each)
    if not done.holds:
        raise SystemExit(1)


def _isolate(*, unsafe: bool) -> None:
    """Refuse before anything is asked where this machine cannot isolate."""
    import asyncio

    from hansa.evals.sandbox import check_isolation

    if not unsafe:
        asyncio.run(check_isolation())
