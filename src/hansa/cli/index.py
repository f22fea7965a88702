"""`hansa index`: make a repository searchable, keep it so, and say what is indexed."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, print_json_line, say

if TYPE_CHECKING:
    from hansa.index.index import Index, IndexReport, IndexStatus

BAR_AFTER_S = 1.0
PATHS_SHOWN = 5


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--status", is_flag=True, help="Say what is indexed and how fresh; change nothing.")
@click.option("--watch", is_flag=True, help="Go on, and take changes in as files are saved.")
@click.option(
    "--vectors", is_flag=True, help="Also by meaning: embed what changed (needs the extra)."
)
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --watch, one line each.")
def index(
    path: Path, status: bool, watch: bool, vectors: bool, state_dir: Path | None, as_json: bool
) -> None:
    """Make the repository at PATH searchable; only what changed is read again."""
    from hansa.core.files import user_state_dir
    from hansa.index.index import Index

    if status + watch + vectors > 1:
        raise click.UsageError("--status, --watch and --vectors do not go together")
    state_dir = state_dir or user_state_dir()
    with Index.open(path, state_dir, read_only=status) as opened:
        if status:
            found = opened.status()
            print_json(found) if as_json else _print_status(found)
        elif watch:
            _watch(opened, as_json)
        else:
            report = update_with_progress(opened)
            print_json(report) if as_json else _print_report(opened.root, report)
            if vectors:
                _embed(opened, state_dir)


def _embed(opened: "Index", state_dir: Path) -> None:
    from hansa.editor.searching import open_hybrid

    with contextlib.ExitStack() as stack:
        hybrid = stack.enter_context(open_hybrid(opened, state_dir))
        filled = hybrid.fill(_late_bar(stack) if sys.stderr.isatty() else None)
    say(f"{filled.embedded} chunks were embedded; searches use words and vectors from now on")


def update_with_progress(opened: "Index") -> "IndexReport":
    """Update; on a terminal, with a bar on stderr once it takes long."""
    with contextlib.ExitStack() as stack:
        report = opened.update(_late_bar(stack) if sys.stderr.isatty() else None)
    if report.rebuilt:
        say("the index on disk was damaged or of another version; it was made anew")
    return report


def _print_report(root: Path, report: "IndexReport") -> None:
    left_out = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    if not report.files:
        print(f"nothing to index in {root}: no readable source files"
              + (f" ({left_out})" if left_out else ""))  # fmt: skip
        return
    print(f"{root}: {report.files} files, {report.chunks} chunks in {report.seconds:.2f} s "
          f"({report.added} new, {report.changed} changed, {report.removed} gone)")  # fmt: skip
    if left_out:
        print(f"left out: {left_out}")


def _print_status(status: "IndexStatus") -> None:
    languages = ", ".join(f"{count} {name}" for name, count in status.languages.items())
    fresh = "nothing changed since" if not status.behind else f"{status.behind} files changed since"
    if status.checked_s:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.checked_s))
    else:
        at, fresh = "never", "the first update did not end"
    print(f"root       {status.root}")
    print(f"files      {status.files}" + (f" ({languages})" if languages else ""))
    print(f"chunks     {status.chunks}")
    print(f"symbols    {status.definitions}, used on {status.references} lines")
    print(f"size       {status.bytes / 1e6:.1f} MB, {status.path}")
    print(f"updated    {at}; {fresh}")


def _watch(opened: "Index", as_json: bool) -> None:
    """Until SIGINT."""
    from hansa.editor.plain import plain
    from hansa.index.watch import follow

    with contextlib.suppress(KeyboardInterrupt):
        for paths, report in follow(opened, threading.Event()):
            if as_json:
                print_json_line({"paths": paths, "report": report})
            elif not paths:
                _print_report(opened.root, report)
                say("watching; Ctrl-C ends it")
            else:
                names = ", ".join(map(plain, paths[:PATHS_SHOWN]))
                more = f" and {len(paths) - PATHS_SHOWN} more" if len(paths) > PATHS_SHOWN else ""
                print(f"{names}{more}: {report.added} new, {report.changed} changed, "
                      f"{report.removed} gone in {report.seconds * 1000:.0f} ms")  # fmt: skip
            sys.stdout.flush()


def _late_bar(stack: contextlib.ExitStack) -> Callable[[int, int], None]:
    began_s = time.monotonic()
    bars: list[Callable[[int, int], None]] = []

    def advance(done: int, total: int) -> None:
        if not bars and time.monotonic() - began_s > BAR_AFTER_S:
            bars.append(stack.enter_context(_bar()))
        for bar in bars:
            bar(done, total)

    return advance


@contextlib.contextmanager
def _bar() -> Generator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("indexing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
