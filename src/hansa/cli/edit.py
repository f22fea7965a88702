"""`hansa edit`: a change described in words, shown before it is made."""

from pathlib import Path

import click

from hansa.cli.asking import Asking, asks_a_node, reply_fields, say_who_served
from hansa.cli.changing import agreed, open_journal
from hansa.cli.output import print_json, say


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("instruction")
@click.option("--lines", metavar="A-B", help="The lines to change, both included.")
@click.option("--yes", "-y", is_flag=True, help="Make the change without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; changes nothing without --yes.")
@asks_a_node
def edit(
    asking: Asking, file: Path, instruction: str, lines: str | None, yes: bool, as_json: bool
) -> None:
    """Change FILE as INSTRUCTION says; shows a diff first."""
    import asyncio

    from hansa.core.clock import SystemClock
    from hansa.editor import edit as editing
    from hansa.editor.apply import apply
    from hansa.editor.codebase import find_root, relative_name
    from hansa.editor.document import parse_range, read_source

    chosen = parse_range(lines) if lines else None
    source = read_source(file)
    name = relative_name(file, find_root(file, Path.cwd(), Path.home()))

    async def run() -> editing.Edit:
        async with asking.client() as node:
            return await editing.edit(
                source,
                name,
                instruction,
                node,
                SystemClock(),
                lines=chosen,
                preferences=asking.preferences(),
            )

    made = editing.edit_without_model(source, name, instruction, chosen) or asyncio.run(run())
    if not as_json:
        print(made.diff, end="")
        say_who_served(made.reply) if made.reply else say("renamed here, without a model")
    applied = yes or (not as_json and agreed(str(file)))
    if applied:
        apply(source, made.new_text, open_journal(asking.state_dir), f"edit {name}: {instruction}")
    if as_json:
        fields = reply_fields(made.reply) if made.reply else {}
        print_json({"diff": made.diff, "applied": applied, **fields})
    elif applied:
        say(f"changed {file}; `hansa undo` takes it back")
