"""`hansa next`: what to edit next, after what was edited since the last commit."""

from pathlib import Path

import click

from hansa.cli.output import print_json, say


@click.command("next")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--line", type=click.IntRange(1), default=1, help="Nearest to this line first.")
@click.option("--since", default="HEAD", show_default=True, help="Commit to compare with.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def next_edits(file: Path, line: int, since: str, as_json: bool) -> None:
    """Say which lines of FILE follow from its latest edits, and how. Exits 1 if none does."""
    from hansa.editor.document import read_source
    from hansa.editor.next.predict import predict
    from hansa.editor.next.since import committed
    from hansa.editor.plain import plain

    source = read_source(file)
    found = predict(file.name, committed(file.resolve(), since), source.lf_text, line)
    if as_json:
        print_json(found)
    for each in found if not as_json else ():
        print(plain(f"{file}:{each.line}: {each.why}\n- {each.old}\n+ {each.new}"))
    if not found:
        say(f"nothing follows from the edits of {file} since {since}")
        raise SystemExit(1)
