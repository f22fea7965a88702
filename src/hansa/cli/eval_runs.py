"""Runs that are kept: shown again, compared, and beside what models claim."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.evals.report import Cost, Measure, Report
    from hansa.evals.table import Row

_STATE = click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("name", metavar="RUN")
@_STATE
@_JSON
def show(name: str, state_dir: Path | None, as_json: bool) -> None:
    """Print a run's result; RUN is its folder or that folder's name."""
    from hansa.core.errors import UserError
    from hansa.evals.report import kept_report, report
    from hansa.evals.store import find_run, read_run

    folder = find_run(_state(state_dir), name)
    done = kept_report(folder)
    if done is None:
        settings, samples = read_run(folder)
        wanted = settings.questions * settings.samples
        say(f"{folder} is not over: {len(samples)} of {wanted} samples")
        if not samples:
            raise UserError(f"{folder} holds no samples yet", hint="start the run again")
        done = report(str(folder), settings, samples)
    if as_json:
        print_json(done)
    else:
        print_report(done)


@click.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--measure", type=click.Choice(["pass", "exact", "similarity"]),
              help="What to compare; else the first that both have.")  # fmt: skip
@_STATE
@_JSON
def compare_runs(
    a: str, b: str, measure: str | None, state_dir: Path | None, as_json: bool
) -> None:
    """Say whether run B is really better than run A: a paired bootstrap, question by question."""
    from hansa.evals.comparison import compare, measure_of
    from hansa.evals.store import find_run, read_run

    state = _state(state_dir)
    (_, ours), (_, theirs) = read_run(find_run(state, a)), read_run(find_run(state, b))
    done = compare(ours, theirs, measure or measure_of(ours, theirs))
    if as_json:
        print_json(done)
        return
    print(f"{done.measure}  A {_percent(done.a)}  B {_percent(done.b)}  on {done.questions} "
          f"questions; B better on {done.better}, worse on {done.worse}")  # fmt: skip
    span = f"{100 * done.low:+.1f} to {100 * done.high:+.1f}"
    print(f"B - A  {100 * done.difference:+.1f} points  (95 %: {span}; p {done.p:.2g}; "
          f"{done.method})")  # fmt: skip
    if done.real:
        print(f"the difference is real: B is {'better' if done.difference > 0 else 'worse'}")
    else:
        print("no real difference: chance alone explains it")
    if done.left_out:
        print(f"left out: {done.left_out} questions that only one was asked")


@click.command()
@_STATE
@_JSON
def table(state_dir: Path | None, as_json: bool) -> None:
    """Print claimed scores beside measured ones, sizes and prices."""
    from hansa.evals.table import finished
    from hansa.evals.table import table as rows_of
    from hansa.models.catalog import catalog

    rows = rows_of(catalog().values(), finished(_state(state_dir)))
    if as_json:
        print_json(rows)
        return
    head = ("model", "architecture", "parameters", "MMLU claimed", "measured", "HumanEval claimed",
            "measured", "single-line", "repository", "p95", "price per 1M tokens")  # fmt: skip
    print_table(head, [_cells(each) for each in rows])


def print_report(done: "Report") -> None:
    """A run's result, for a person."""
    settings, times = done.settings, done.times
    each = f", {settings.samples} samples each" if settings.samples > 1 else ""
    print(f"{settings.benchmark}  {settings.model}  {settings.questions} questions{each}")
    for measured in done.measures:
        print(_measured(measured))
    cut = f"; {times.cut_short} cut short once enough was there" if times.cut_short else ""
    print(f"first text   {times.ttft_ms_p50:,.0f} ms p50, {times.ttft_ms_p95:,.0f} ms p95")
    print(f"answer       {times.answer_ms_p50:,.0f} ms p50, {times.answer_ms_p95:,.0f} ms p95{cut}")
    print(f"cost         {_cost(done.cost)}")
    if settings.weights_sha256:
        print(f"weights      sha256 {settings.weights_sha256}, by the charter")
    print(f"kept in      {done.run}")


def _measured(measured: "Measure") -> str:
    span = f"{100 * measured.low:.1f} to {100 * measured.high:.1f}"
    right = f"{measured.right} of {measured.of}; " if measured.right is not None else ""
    name = measured.name.ljust(12)
    return f"{name} {_percent(measured.mean)}  ({right}95 %: {span}, {measured.method})"


def _cost(cost: "Cost") -> str:
    from hansa.core.money import format_usd

    about = "about " if cost.estimated else ""
    tokens = f"{about}{cost.prompt_tokens:,} tokens in, {cost.completion_tokens:,} out"
    if cost.nanousd is None or cost.nanousd_per_mtok is None:
        return f"{tokens}; the catalog knows no price"
    return f"{tokens}; {format_usd(cost.nanousd)}, {format_usd(cost.nanousd_per_mtok)} per 1M"


def _cells(row: "Row") -> list[str | int]:
    def percent(values: dict[str, float], name: str) -> str:
        return f"{values[name]:.1f}" if name in values else "-"

    return [
        row.model,
        row.kind,
        f"{row.parameters / 1e9:.3g}B" if row.parameters else "-",
        percent(row.claimed, "MMLU"),
        percent(row.measured, "MMLU"),
        percent(row.claimed, "HumanEval"),
        percent(row.measured, "HumanEval"),
        percent(row.measured, "single-line"),
        percent(row.measured, "repository"),
        f"{row.answer_ms_p95:.0f} ms" if row.answer_ms_p95 is not None else "-",
        _price(row),
    ]


def _price(row: "Row") -> str:
    from hansa.core.money import NANO_PER_USD

    if row.input_nanousd_per_mtok is None or row.output_nanousd_per_mtok is None:
        return "-"
    price_in, price_out = row.input_nanousd_per_mtok, row.output_nanousd_per_mtok
    return f"${price_in / NANO_PER_USD:.2f} in, ${price_out / NANO_PER_USD:.2f} out"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _state(state_dir: Path | None) -> Path:
    from hansa.core.files import user_state_dir

    return state_dir or user_state_dir()
