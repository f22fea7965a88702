"""Options that every benchmark shares, and the run of one: asked, scored, kept, reported."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.evals.endpoint import Address, Endpoint
    from hansa.evals.question import Benchmark, Sampling
    from hansa.evals.report import Report
    from hansa.evals.store import RunSettings

AT_ONCE = 4
Options = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Measuring:
    """What the shared options said."""

    url: str | None
    key_env: str | None
    node: str | None
    key_file: Path | None
    state_dir: Path | None
    model: str
    temperature: float
    top_p: float
    seed: int
    best_of: int
    samples: int
    at_once: int | None
    limit: int | None
    out: Path | None
    anew: bool
    as_json: bool

    def state(self) -> Path:
        from hansa.core.files import user_state_dir

        return self.state_dir or user_state_dir()

    def address(self) -> "Address":
        """Where to ask; raises ConfigError if nothing names it."""
        return address_of(
            self.model, self.state(), url=self.url, key_env=self.key_env, node=self.node,
            key_file=self.key_file,
        )  # fmt: skip


def address_of(
    model: str, state_dir: Path, *, url: str | None, key_env: str | None, node: str | None,
    key_file: Path | None,
) -> "Address":  # fmt: skip
    """Where to ask a model: at `url`, or through a node; raises ConfigError if nothing names it."""
    from hansa.core.errors import ConfigError
    from hansa.evals.endpoint import Address

    if url is None:
        from hansa.editor.connection import find_connection

        found = find_connection(node, key_file, os.environ, state_dir)
        return Address(f"{found.url}/v1", found.key, model, is_node=True)
    if key_env and key_env not in os.environ:
        raise ConfigError(f"the variable {key_env} is not set", hint="it holds the key")
    return Address(url.rstrip("/"), os.environ[key_env] if key_env else "", model)


ADDRESS_OPTIONS = (
    click.option("--url", metavar="URL", help="An OpenAI-compatible address, /v1 and all."),
    click.option("--key-env", metavar="NAME", help="Variable that holds the key for --url."),
    click.option("--node", metavar="URL", help="The league's node to ask; else HANSA_NODE_URL."),
    click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        help="File that holds the node's key; else HANSA_API_KEY.",
    ),
    click.option(
        "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
    ),
    click.option("--model", default="auto", show_default=True, help="Model to ask."),
)
_OPTIONS = (
    *ADDRESS_OPTIONS,
    click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True,
                 help="0 is greedy."),
    click.option("--top-p", type=click.FloatRange(0, 1), default=1.0, show_default=True,
                 help="Share of the likeliest tokens that are drawn from."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the first samples."),
    click.option("--best-of", type=click.IntRange(1, 8), default=1, show_default=True,
                 help="Fillings that are tried for one answer where there is a suffix."),
    click.option("--samples", type=click.IntRange(1, 1000), default=1, show_default=True,
                 help="Answers to each question; pass@k needs k."),
    click.option("--at-once", type=click.IntRange(1, 256), show_default="4; latency: 1",
                 help="Questions under way at a time."),
    click.option("--limit", type=click.IntRange(1), help="Ask only so many, evenly chosen."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False),
                 help="Folder to keep the run in."),
    click.option("--new", "anew", is_flag=True, help="Do not go on with a run that was ended."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)  # fmt: skip


def measures_a_model(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options, handed to it as `measuring`."""

    def with_measuring(**given: Any) -> None:
        measuring = Measuring(**{name: given.pop(name) for name in Measuring.__slots__})
        command(measuring=measuring, **given)

    with_measuring.__doc__ = command.__doc__
    with_measuring.__name__ = command.__name__
    for option in reversed(_OPTIONS):
        with_measuring = option(with_measuring)
    return with_measuring


def measure(measuring: Measuring, benchmark: "Benchmark", options: Options) -> None:
    """Run a benchmark and print what came of it."""
    import asyncio

    from hansa.cli.eval_runs import print_report

    done = asyncio.run(_measure(measuring, benchmark, options))
    if measuring.as_json:
        print_json(done)
    else:
        print_report(done)


async def _measure(measuring: Measuring, benchmark: "Benchmark", options: Options) -> "Report":
    from hansa.evals import running
    from hansa.evals.endpoint import Endpoint
    from hansa.evals.part import part
    from hansa.evals.report import report
    from hansa.evals.store import Store, choose_folder

    address = measuring.address()
    asked = part(benchmark, measuring.limit)
    if measuring.limit:
        options = options | {"limit": measuring.limit}
    async with Endpoint(address) as endpoint:
        model, weights_sha256 = await _measured(endpoint)
        settings = _settings(measuring, asked, model, weights_sha256, options)
        folder = measuring.out or choose_folder(measuring.state(), settings, anew=measuring.anew)
        with Store(folder, settings) as store:
            if store.samples:
                say(f"goes on with {folder}: {len(store.samples)} samples are there")
            with bar(benchmark.name) as progress:
                samples = await running.run(
                    asked,
                    endpoint.named(model),
                    store,
                    at_once=measuring.at_once or AT_ONCE,
                    progress=progress,
                )
            done = report(str(folder), settings, samples, asked.questions)
            store.finish(done)
    return done


async def _measured(endpoint: "Endpoint") -> tuple[str, str]:
    """The model that is asked, and the digest of its weights if the endpoint is a node."""
    model = endpoint.address.model
    if model != "auto" and not endpoint.address.is_node:
        return model, ""
    offered = await endpoint.models()
    model = _only(tuple(offered)) if model == "auto" else model
    return model, offered.get(model, "")


def _settings(
    measuring: Measuring, benchmark: "Benchmark", model: str, weights_sha256: str,
    options: Options,
) -> "RunSettings":  # fmt: skip
    from hansa import __version__
    from hansa.evals.part import digest_of
    from hansa.evals.store import RunSettings

    return RunSettings(
        benchmark=benchmark.name,
        model=model,
        weights_sha256=weights_sha256,
        endpoint=measuring.url or "node",
        sampling=_sampling(measuring, benchmark),
        samples=measuring.samples,
        options=options,
        questions=len(benchmark.questions),
        questions_sha256=digest_of(benchmark.questions),
        hansa=__version__,
    )


def _sampling(measuring: Measuring, benchmark: "Benchmark") -> "Sampling":
    from hansa.core.errors import UserError
    from hansa.evals.question import Sampling

    best_of = measuring.best_of
    if best_of > 1 and not any(each.suffix for each in benchmark.questions):
        raise UserError(f"--best-of weighs by a suffix, and {benchmark.name} asks without one")
    return Sampling(measuring.temperature, measuring.top_p, measuring.seed, best_of)


def _only(models: tuple[str, ...]) -> str:
    from hansa.core.errors import ConfigError

    if len(models) == 1:
        return models[0]
    known = ", ".join(models[:20]) or "none"
    raise ConfigError("--model has to name the model to measure", hint=f"there are: {known}")


def bar(what: str) -> Any:
    """A progress bar on stderr; a context manager that gives what moves it."""
    import contextlib
    from collections.abc import Generator

    @contextlib.contextmanager
    def shown() -> Generator[Callable[[int, int], None]]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
        with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
            task = drawn.add_task(what, total=None)
            yield lambda done, total: drawn.update(task, completed=done, total=total)

    return shown()
