"""`hansa search`: search the indexed repository."""

from pathlib import Path

import click

from hansa.cli.output import print_json, say

LINES_SHOWN = 4
LINE_CHARS_SHOWN = 200


@click.command()
@click.argument("query")
@click.option("--path", type=click.Path(path_type=Path), default=Path(), show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(query: str, path: Path, limit: int, state_dir: Path | None, as_json: bool) -> None:
    """Search the repository at --path, brought up to date first. Exits 1 if nothing matches.

    Secrets in what is found are printed as REDACTED.
    """
    from hansa.cli.index import update_with_progress
    from hansa.core.files import user_state_dir
    from hansa.editor.plain import plain
    from hansa.editor.searching import best_search, without_secrets
    from hansa.index.index import Index

    state_dir = state_dir or user_state_dir()
    with Index.open(path, state_dir) as index:
        update_with_progress(index)
        with best_search(index, state_dir) as found:
            hits = [without_secrets(hit) for hit in found(query, limit)]
    if as_json:
        print_json(hits)
    for hit in hits if not as_json else ():
        place = hit.snippet
        where = f"{place.path}:{place.start_line}-{place.end_line}"
        print(plain(f"{where}  {hit.kind} {hit.symbol}").rstrip())
        for line in place.text.strip("\n").split("\n")[:LINES_SHOWN]:
            print(f"    {plain(line)[:LINE_CHARS_SHOWN]}".rstrip())
    if not hits:
        say(f"nothing in {path.resolve()} matches {query!r}")
        raise SystemExit(1)
