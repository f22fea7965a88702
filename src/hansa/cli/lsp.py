"""`hansa lsp`: the language server that editors start."""

import os

import click

from hansa.cli.asking import Asking, asks_a_node


@click.command()
@click.option("--no-index", is_flag=True, help="Do not look at the rest of the codebase.")
@click.option(
    "--larger",
    default="",
    metavar="MODEL",
    help="Ask this model too when you ask by hand and the other is unsure.",
)
@click.option(
    "--next-edit-model",
    default="",
    metavar="MODEL",
    help="Ask this model for the next edit where none follows by rule, such as zeta.",
)
@click.option(
    "--outcomes",
    is_flag=True,
    help="Tell the node which suggestions were shown, accepted or rejected, while events are on.",
)
@click.option(
    "--stdio",
    is_flag=True,
    expose_value=False,
    help="Nothing: it is so anyway. Many editors say it.",
)
@asks_a_node
def lsp(asking: Asking, no_index: bool, larger: str, next_edit_model: str, outcomes: bool) -> None:
    """Serve an editor on stdin and stdout; the editor starts and ends it.

    Needs a node, as `hansa up` starts one; finds it again whenever it has been started anew.
    """
    from hansa.editor.connection import Connection, find_connection
    from hansa.editor.lsp.messages import serve
    from hansa.editor.lsp.server import Setup

    def find() -> Connection:
        return find_connection(asking.node, asking.key_file, os.environ, asking.state())

    serve(
        Setup(
            find,
            asking.state(),
            asking.preferences(),
            larger,
            next_edit_model,
            index=not no_index,
            outcomes=outcomes,
        )
    )
