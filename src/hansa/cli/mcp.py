"""`hansa mcp`: the index of a codebase for any agent, over stdio."""

from pathlib import Path

import click

from hansa.cli.asking import Asking, asks_a_node


@click.command()
@click.option(
    "--path",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The codebase; here if not given.",
)
@asks_a_node
def mcp(asking: Asking, path: Path) -> None:
    """Serve search, definitions, references and ask to an agent (Model Context Protocol, stdio)."""
    from hansa import __version__
    from hansa.core.errors import ConfigError
    from hansa.editor.agents import Codebase, Node, no_node, server

    node: Node
    try:
        asking.client()
        node = asking.client
    except ConfigError:
        node = no_node
    codebase = Codebase(path.resolve(), asking.state(), node, asking.preferences())
    server(codebase, __version__).run()
