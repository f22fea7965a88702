"""`hansa events`: what became of suggestions, kept on this machine if you ask for it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, print_json_line, say

if TYPE_CHECKING:
    from hansa.editor.events import Events

state_option = click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
)


@click.group()
def events() -> None:
    """Keep, show and erase what became of suggestions; off until you ask for it."""


@events.command()
@state_option
def on(state_dir: Path | None) -> None:
    """Begin to keep events, on this machine only."""
    opened = _events(state_dir)
    opened.switch(on=True)
    say(f"events are kept in {opened.path}; docs/events.md says what is in it")


@events.command()
@state_option
def off(state_dir: Path | None) -> None:
    """Keep no more events; those kept stay until they are erased."""
    _events(state_dir).switch(on=False)
    say("no events are kept any more; `hansa events erase` forgets those that were")


@events.command()
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(state_dir: Path | None, as_json: bool) -> None:
    """Sum up what is kept."""
    found = _events(state_dir).summary()
    if as_json:
        print_json(found)
        return
    print(f"{'events':15} {'on' if found.on else 'off'}; {found.events} in {found.path}")
    for kind, count in found.counts.items():
        print(f"{kind:15} {count}")
    if found.accepted_share is not None:
        print(f"{100 * found.accepted_share:.0f}% of those shown were accepted")
    for after_s, share in found.kept_share.items():
        print(f"{100 * share:.0f}% of the accepted characters stood {after_s} s later")


@events.command()
@state_option
def erase(state_dir: Path | None) -> None:
    """Forget all events that were kept."""
    say(f"{_events(state_dir).erase()} events were erased")


@events.command()
@state_option
def export(state_dir: Path | None) -> None:
    """Print every event as JSON, a line each, the oldest first."""
    for event in _events(state_dir).all():
        print_json_line(asdict(event))


def _events(state_dir: Path | None) -> "Events":
    from hansa.core.files import user_state_dir
    from hansa.editor.events import Events

    return Events(state_dir or user_state_dir())
