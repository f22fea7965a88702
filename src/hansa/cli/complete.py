"""`hansa complete`: what belongs at the cursor."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.asking import Asking, asks_a_node, reply_fields, say_who_served
from hansa.cli.output import print_json, say

if TYPE_CHECKING:
    from hansa.context.candidates import Codebase


@click.command()
@click.argument("position", metavar="FILE:LINE:COL")
@click.option("--no-index", is_flag=True, help="Do not look at the rest of the codebase.")
@click.option("--explain", is_flag=True, help="Say what the model was shown, and why.")
@click.option("--best-of", type=click.IntRange(1, 8), default=1, show_default=True,
              help="Ways that are tried where one line is wanted before others.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@asks_a_node
def complete(
    asking: Asking, position: str, no_index: bool, explain: bool, best_of: int, as_json: bool
) -> None:
    """Complete code at FILE:LINE:COL; lines and columns count from 1."""
    import asyncio

    from hansa.context.candidates import Document
    from hansa.core.clock import SystemClock
    from hansa.core.errors import UserError
    from hansa.editor import complete as completing
    from hansa.editor.codebase import find_root, relative_name
    from hansa.editor.document import offset_of, parse_position, read_source
    from hansa.editor.explain import explained, words

    place = parse_position(position)
    source = read_source(place.path)
    if not source.text:
        raise UserError(f"{place.path} is empty; there is nothing to go on from",
                        hint="write its first line")  # fmt: skip
    cursor = offset_of(str(place.path), source.lf_text, place.line, place.column)
    client = asking.client()
    root = find_root(place.path, Path.cwd(), Path.home())
    document = Document(relative_name(place.path, root), source.lf_text)

    async def run(codebase: "Codebase | None") -> completing.Completion:
        async with client as node:
            return await completing.complete(
                document,
                cursor,
                node,
                SystemClock(),
                codebase=codebase,
                confidence=explain,
                preferences=asking.preferences(),
                best_of=best_of,
            )

    with contextlib.ExitStack() as stack:
        codebase = None if no_index or root is None else _codebase(stack, root, asking.state())
        done = asyncio.run(run(codebase))
    text = done.text.replace("\n", source.newline)
    if as_json:
        said = {"text": text, **reply_fields(done.reply), "snippets": done.snippets}
        print_json({**said, "plan": explained(done)} if explain else said)
        return
    if explain:
        for line in words(explained(done)):
            say(line)
    print(text, end="" if not text or text.endswith("\n") else "\n")
    if not text:
        say("the model had nothing that fits here")
    say_who_served(done.reply)


def _codebase(stack: contextlib.ExitStack, root: Path, state_dir: Path) -> "Codebase | None":
    """A completion without the codebase is better than none, so that the index may fail."""
    from hansa.core.errors import HansaError
    from hansa.editor.codebase import open_codebase

    try:
        return stack.enter_context(open_codebase(root, state_dir))
    except HansaError as error:
        say(f"without the codebase: {error}")
        return None
