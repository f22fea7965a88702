"""`hansa canary` and `hansa rollback`: candidates on trial, and the end of a trial by hand."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, say
from hansa.cli.table import print_table

if TYPE_CHECKING:
    from hansa.answer.rollbacks import Rollbacks
    from hansa.core.settings import CanarySettings
    from hansa.wire.native import ArmView, CanaryView


@click.command()
@click.option("--node", "url", metavar="URL", help="The node to ask; else HANSA_NODE_URL.")
@click.option("--key-file", type=click.Path(path_type=Path),
              help="File that holds its key; else HANSA_API_KEY.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def canary(url: str | None, key_file: Path | None, state_dir: Path | None, as_json: bool) -> None:
    """Show a running node's candidates on trial, beside the models they stand in for.

    Figures are since the node was started, times those of the newest thousand answers.
    """
    from hansa.core.files import user_state_dir
    from hansa.editor.connection import find_connection
    from hansa.editor.control import fetch_node

    connection = find_connection(url, key_file, os.environ, state_dir or user_state_dir())
    views = fetch_node(connection).canaries
    if as_json:
        print_json(views)
        return
    if not views:
        say("no candidate is on trial: hansa.toml has no [[canary]]")
    for each in views:
        _print(each)


def _print(view: "CanaryView") -> None:
    state = f"rolled back: {view.ended}" if view.ended else f"on trial for {100 * view.share:g} %"
    print(f"{view.candidate} in place of {view.model}: {state}\n")
    print_table(
        ("ARM", "REQUESTS", "FAILED", "SHOWN", "ACCEPTED", "TASK", "FIRST P50", "FIRST P95",
         "WHOLE P50", "WHOLE P95"),
        [*_rows("live", view.live), *_rows("candidate", view.trial)],
    )  # fmt: skip
    print()


def _rows(name: str, arm: "ArmView") -> list[list[str | int]]:
    share = f"{100 * arm.accepted / arm.shown:.1f} %" if arm.shown else "-"
    start: list[str | int] = [name, arm.requests, arm.failed, arm.shown, share]
    if not arm.times:
        return [[*start, "-", "-", "-", "-", "-"]]
    return [
        [*start, each.task, *(f"{ms:,.0f} ms" for ms in (each.first_ms_p50, each.first_ms_p95,
                                                         each.whole_ms_p50, each.whole_ms_p95))]
        for each in arm.times
    ]  # fmt: skip


@click.command()
@click.argument("model", required=False)
@click.option("--reason", default="by hand", show_default=True, help="Kept with it.")
@click.option("--undo", is_flag=True, help="Let a candidate that was taken back be tried again.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
              default=Path("hansa.toml"), show_default=True,
              help="The node's configuration.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rollback(model: str | None, reason: str, undo: bool, config: Path, as_json: bool) -> None:
    """Take back the candidate that stands in for MODEL, or is called so; else every one.

    A running node stops within a second, and one that starts does not begin. It holds until
    `--undo`, whose figures begin anew.
    """
    from hansa.accounts.administration import command_line
    from hansa.core.settings import load_settings

    settings = load_settings(config)
    chosen = _chosen(settings.canary, model)
    file = _file(settings.state_dir)
    by = command_line()
    done = [
        file.lift(each.candidate, by) if undo else file.add(each.candidate, each.model, reason, by)
        for each in chosen
    ]
    if as_json:
        print_json(done)
        return
    for each in done:
        what = "may be tried again" if undo else "answers nobody any more"
        print(f"{each.candidate} {what} in place of {each.model}")


def _chosen(canaries: "tuple[CanarySettings, ...]", model: str | None) -> "list[CanarySettings]":
    from hansa.core.errors import NotFound

    found = [each for each in canaries if model in (None, each.model, each.candidate)]
    if not found:
        raise NotFound(
            f"no candidate stands in for {model}" if model else "no candidate is on trial",
            hint="hansa.toml names them in [[canary]]",
        )
    return found


def _file(state_dir: Path) -> "Rollbacks":
    from hansa.accounts.audit import AuditLog, audit_path
    from hansa.answer.rollbacks import Rollbacks
    from hansa.core.clock import SystemClock

    clock = SystemClock()
    return Rollbacks(state_dir, clock, AuditLog(audit_path(state_dir), clock, say))
