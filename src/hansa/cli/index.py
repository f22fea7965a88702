"""`hansa index`: make a repository searchable."""

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.index.index import Index, IndexReport

BAR_AFTER_S = 1.0


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def index(path: Path, state_dir: Path | None, as_json: bool) -> None:
    """Make the repository at PATH searchable; only what changed is read again."""
    from hansa.core.files import user_state_dir
    from hansa.index.index import Index

    with Index.open(path, state_dir or user_state_dir()) as opened:
        report = update_with_progress(opened)
        root = opened.root
    if as_json:
        print_json(report)
        return
    left_out = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    if not report.files:
        print(f"nothing to index in {root}: no readable source files"
              + (f" ({left_out})" if left_out else ""))  # fmt: skip
        return
    print(f"{root}: {report.files} files, {report.chunks} chunks in {report.seconds:.2f} s "
          f"({report.added} new, {report.changed} changed, {report.removed} gone)")  # fmt: skip
    if left_out:
        print(f"left out: {left_out}")


def update_with_progress(opened: "Index") -> "IndexReport":
    """Update; on a terminal, with a bar on stderr once it takes long."""
    with contextlib.ExitStack() as stack:
        report = opened.update(_late_bar(stack) if sys.stderr.isatty() else None)
    if report.rebuilt:
        say("the index on disk was damaged or of another version; it was made anew")
    return report


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
