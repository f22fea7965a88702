"""`hansa index`: make a repository searchable."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.index.index import Index, IndexReport


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
    if report.rebuilt:
        say("the index on disk was damaged or of another version; it was made anew")
    if not report.files:
        say(f"nothing to index in {root}: no readable source files"
            + (f" ({left_out})" if left_out else ""))  # fmt: skip
        return
    print(f"{root}: {report.files} files, {report.chunks} chunks in {report.seconds:.2f} s "
          f"({report.added} new, {report.changed} changed, {report.removed} gone)")  # fmt: skip
    if left_out:
        print(f"left out: {left_out}")


def update_with_progress(opened: "Index") -> "IndexReport":
    """Update, with a bar on stderr when it is a terminal."""
    import sys

    if not sys.stderr.isatty():
        return opened.update()
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("indexing", total=None)
        return opened.update(lambda done, total: bar.update(task, completed=done, total=total))
