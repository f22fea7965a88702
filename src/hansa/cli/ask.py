"""`hansa ask`: an answer about the codebase, with the files and lines it comes from."""

import sys
from pathlib import Path

import click

from hansa.cli.asking import Asking, asks_a_node, reply_fields, say_who_served
from hansa.cli.output import print_json, say


@click.command()
@click.argument("question")
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    default=Path(),
    help="A file or folder of the codebase; here if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@asks_a_node
def ask(asking: Asking, question: str, path: Path, as_json: bool) -> None:
    """Answer QUESTION about the codebase, with files and lines."""
    import asyncio

    from hansa.core.clock import SystemClock
    from hansa.editor import ask as asked
    from hansa.editor.codebase import line_counts, open_search

    client = asking.client()

    def show(piece: str) -> None:
        if not as_json:
            sys.stdout.write(piece)
            sys.stdout.flush()

    async def run() -> asked.Explanation:
        with open_search(_root(path), asking.state()) as search:
            async with client as node:
                return await asked.ask(
                    question,
                    search,
                    node,
                    SystemClock(),
                    preferences=asking.preferences(),
                    line_count=line_counts(_root(path)),
                    show=show,
                )

    done = asyncio.run(run())
    used = [f"{each.path}:{each.start_line}-{each.end_line}" for each in done.used]
    if as_json:
        said = {"text": done.text, "used": used, "citations": done.citations}
        print_json({**said, **reply_fields(done.reply)})
        return
    print("\n\nfrom:")
    for number, place in enumerate(used, 1):
        print(f"[{number}] {place}")
    for each in done.citations:
        if not each.exists:
            say(f"the answer names {each.said}, which does not exist")
    say_who_served(done.reply)


def _root(path: Path) -> Path:
    from hansa.core.errors import NotFound, UserError
    from hansa.editor.codebase import find_root

    if not path.exists():
        raise NotFound(f"there is no {path}")
    root = find_root(path, Path.cwd(), Path.home())
    if root is None:
        raise UserError(
            f"{path.resolve()} belongs to no codebase that can be told from the rest of the disk",
            hint="run `git init` at its top, or go there",
        )
    return root
