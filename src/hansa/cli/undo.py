"""`hansa undo`: take back the last change that Hansa made here."""

import time
from pathlib import Path

import click

from hansa.cli.changing import open_journal
from hansa.cli.output import print_json, say


@click.command()
@click.option("--list", "as_list", is_flag=True, help="List what can be undone; change nothing.")
@click.option("--path", type=click.Path(path_type=Path), default=Path(), show_default=True,
              help="The codebase whose last change is meant.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def undo(as_list: bool, path: Path, state_dir: Path | None, as_json: bool) -> None:
    """Take back the last change that Hansa made below --path; again takes back the one before.

    A file that has changed since is named, and nothing is undone; the exit code is 1.
    """
    from hansa.editor.codebase import find_root

    journal = open_journal(state_dir)
    root = find_root(path, Path.cwd(), Path.home()) or path.resolve()
    if as_list:
        records = journal.undoable(root)
        if as_json:
            print_json(records)
        for record in records if not as_json else ():
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.at_s))
            count = f"{len(record.files)} file{'s'[: len(record.files) != 1]}"
            print(f"{at}  {record.what}  ({count})")
        if not records:
            say(f"nothing below {root} can be undone")
        return
    record = journal.undo(root)
    if as_json:
        print_json(record)
    say(f"{record.what}: " + ", ".join(each.path for each in record.files[:5]))
