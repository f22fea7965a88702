"""`hansa up`: a node on this machine, with the embedded model, for the repository you stand in."""

import os
import shlex
from pathlib import Path

import click

from hansa.cli.output import say


@click.command()
@click.option("--league", "config", type=click.Path(path_type=Path, dir_okay=False),
              help="Serve the node of this hansa.toml instead of one of your own.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 8420 unless set.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option(
    "--region", help="Where this machine is, like eu; residency rules refuse it otherwise."
)
@click.option("--index/--no-index", default=True, help="Index the current repository first.")
def up(
    config: Path | None, port: int | None, state_dir: Path | None, region: str | None, index: bool
) -> None:
    """Start a node with the embedded model and index this repository.

    Ends with Ctrl-C. Other terminals, and your editor, find it by themselves; with --state-dir,
    commands that are given the same one.
    """
    import msgspec

    from hansa.cli.model import pull_with_progress
    from hansa.core.files import user_state_dir
    from hansa.core.settings import load_settings
    from hansa.models.store import ModelStore
    from hansa.serving import run_node
    from hansa.solo import introduce, prepare

    state = state_dir or user_state_dir()
    settings = (
        load_settings(config) if config else prepare(state, min(os.cpu_count() or 2, 8)).settings
    )
    if port is not None:
        listen = msgspec.structs.replace(settings.listen, port=port)
        settings = msgspec.structs.replace(settings, listen=listen)
    if settings.model_dir is None:
        settings = msgspec.structs.replace(settings, model_dir=state)
    if region is not None:
        here = tuple(
            msgspec.structs.replace(each, region=region.lower()) for each in settings.replica
        )
        settings = msgspec.structs.replace(settings, replica=here)
    for replica in settings.replica:
        if replica.engine == "llamacpp":
            pull_with_progress(replica.model, ModelStore(settings.model_dir or state))
    if index:
        _index_here(state)

    def listening(url: str) -> None:
        introduce(settings, url, state)
        say(f"{settings.member} listens on {url}; the console is at {url}/console")
        where = f" --state-dir {shlex.quote(str(state_dir))}" if state_dir else ""
        tries = f'hansa ask{where} "what does this code do?"   hansa complete{where} FILE:LINE:COL'
        say(f"in a second or two, when the model is loaded, try: {tries}")

    run_node(settings, listening)


def _index_here(state: Path) -> None:
    """Index the repository around the current folder, if there is one."""
    from hansa.editor.codebase import find_root
    from hansa.index.index import Index

    root = find_root(Path.cwd(), Path.cwd(), Path.home())
    if root is None:
        say("no repository here; `hansa index PATH` indexes one")
        return
    with Index.open(root, state) as index:
        report = index.update(None)
    say(f"indexed {report.files} files of {root} in {report.seconds:.1f} s")
