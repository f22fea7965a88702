"""`hansa next`: what to edit next, after what was edited since the last commit."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.editor.next.edits import NextEdit


@click.command("next")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--line", type=click.IntRange(1), default=1, help="Nearest to this line first.")
@click.option("--since", default="HEAD", show_default=True, help="Commit to compare with.")
@click.option("--no-index", is_flag=True, help="Do not look at the rest of the codebase.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def next_edits(
    file: Path, line: int, since: str, no_index: bool, state_dir: Path | None, as_json: bool
) -> None:
    """Say which lines follow from the latest edits of FILE, and how. Exits 1 if none does.

    Lines of FILE come first, named as FILE is. If a function or class at the top of a Python file
    was renamed, the lines of other files that surely mean it follow, found through the index.
    """
    from hansa.editor.document import read_source
    from hansa.editor.next.predict import predict
    from hansa.editor.next.since import committed
    from hansa.editor.plain import plain

    now, before = read_source(file).lf_text, committed(file.resolve(), since)
    found = predict(str(file), before, now, line)
    if not no_index:
        found += _elsewhere(file, before, now, state_dir)
    if as_json:
        print_json(found)
    for each in found if not as_json else ():
        print(plain(f"{each.path}:{each.line}: {each.why}\n- {each.old}\n+ {each.new}"))
    if not found:
        say(f"nothing follows from the edits of {file} since {since}")
        raise SystemExit(1)


def _elsewhere(file: Path, before: str, now: str, state_dir: Path | None) -> "list[NextEdit]":
    """Edits in other files; the index is not opened unless something was renamed."""
    from hansa.cli.index import update_with_progress
    from hansa.core.files import user_state_dir
    from hansa.editor.codebase import find_root, relative_name
    from hansa.editor.next.elsewhere import follow, renamed, users
    from hansa.index.index import Index

    root = find_root(file, Path.cwd(), Path.home())
    names = renamed(str(file), before, now)
    if root is None or not names:
        return []
    with Index.open(root, state_dir or user_state_dir()) as index:
        update_with_progress(index)
        name = relative_name(file, index.root)
        found = follow(index.root, name, users(index.graph, name, names))
    where = root if file.is_absolute() else Path(os.path.relpath(root))
    return [replace(each, path=str(where / each.path)) for each in found]
