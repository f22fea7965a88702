"""`hansa node`: serve a member's node, look at one that runs, or end it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say, say_or_log
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.wire.native import RequestView


_url = click.option("--node", "url", metavar="URL", help="The node to ask; else HANSA_NODE_URL.")
_key_file = click.option("--key-file", type=click.Path(path_type=Path),
                         help="File that holds its key; else HANSA_API_KEY.")  # fmt: skip
_state_dir = click.option("--state-dir", type=click.Path(path_type=Path),
                          help="Where Hansa keeps its state.")  # fmt: skip


@click.group()
def node() -> None:
    """Serve, inspect and drain a member's node."""


@node.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="The node's hansa.toml.")  # fmt: skip
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of the file's."
)
def serve(config: Path, port: int | None) -> None:
    """Serve the node that the file of --config describes, until SIGINT, SIGTERM or a drain."""
    import msgspec

    from hansa.core.settings import load_settings
    from hansa.serving import run_node

    settings = load_settings(config)
    if port is not None:
        listen = msgspec.structs.replace(settings.listen, port=port)
        settings = msgspec.structs.replace(settings, listen=listen)
    member = settings.member
    run_node(
        settings,
        lambda url: say_or_log(
            f"{member} listens on {url}", "node_listens", member=member, url=url
        ),
    )


@node.command()
@_url
@_key_file
@_state_dir
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(url: str | None, key_file: Path | None, state_dir: Path | None, as_json: bool) -> None:
    """Show a running node: members, replicas, last requests. Exits 1 if it is not ready."""
    from hansa.core.files import user_state_dir
    from hansa.editor.connection import find_connection
    from hansa.editor.control import fetch_node

    connection = find_connection(url, key_file, os.environ, state_dir or user_state_dir())
    view = fetch_node(connection)
    if as_json:
        print_json(view)
    else:
        state = "draining" if view.draining else "ready" if view.ready else "not ready"
        print(f"{view.member} of league {view.league}, epoch {view.epoch}, "
              f"{state}, {view.receipts} receipts")  # fmt: skip
        print_table(
            ["REPLICA", "MODEL", "REGION", "STATE", "BUSY"],
            [
                [each.replica, each.model, each.region, "up" if each.up else each.problem,
                 f"{each.busy}/{each.slots}"]
                for each in view.replicas
            ],
        )  # fmt: skip
        print_table(
            ["TASK", "SERVED BY", "MS", "BUDGET", "OUTCOME", "WHY"],
            [
                [each.task, _server(each), f"{each.duration_ms:.0f}", each.budget_ms,
                 each.outcome, each.reason]
                for each in view.recent[:10]
            ],
        )  # fmt: skip
    if not view.ready:
        raise SystemExit(1)


@node.command()
@_url
@_key_file
@_state_dir
def drain(url: str | None, key_file: Path | None, state_dir: Path | None) -> None:
    """Have a running node take nothing new, finish its answers and end; needs an admin key.

    There is no way back: a drained node is started again.
    """
    from hansa.core.files import user_state_dir
    from hansa.editor.connection import find_connection
    from hansa.editor.control import begin_drain

    connection = find_connection(url, key_file, os.environ, state_dir or user_state_dir())
    begin_drain(connection)
    say(f"{connection.url} takes nothing new; it ends when the answers under way have")


def _server(request: "RequestView") -> str:
    return f"{request.server}/{request.replica}" if request.server else "nobody"
