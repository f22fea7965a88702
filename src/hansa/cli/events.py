"""`hansa events`: what became of suggestions, kept on this machine if you ask for it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, print_json_line, say

if TYPE_CHECKING:
    from hansa.editor.events import Events
    from hansa.editor.texts import Texts
    from hansa.training.pairs import Made

PREVIEWED = 2

state_option = click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state."
)


@click.group()
def events() -> None:
    """Keep, show and erase what became of suggestions; off until you ask for it."""


@events.command()
@state_option
@click.option("--texts", "with_texts", is_flag=True, help="Keep code for training too (Python).")
def on(state_dir: Path | None, with_texts: bool) -> None:
    """Begin to keep events, on this machine only."""
    opened = _events(state_dir)
    opened.switch(on=True)
    say(f"events are kept in {opened.path}; docs/events.md says what is in it")
    if with_texts:
        texts = _texts(state_dir)
        texts.switch(on=True)
        say(f"code around suggestions is kept in {texts.path}, on this machine only")


@events.command()
@state_option
def off(state_dir: Path | None) -> None:
    """Keep no more events and texts; those kept stay until they are erased."""
    _texts(state_dir).switch(on=False)
    _events(state_dir).switch(on=False)
    say("no events are kept any more; `hansa events erase` forgets those that were")


@events.command()
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(state_dir: Path | None, as_json: bool) -> None:
    """Sum up what is kept."""
    found, texts = _events(state_dir).summary(), _texts(state_dir)
    if as_json:
        print_json(found)
        return
    print(f"{'events':15} {'on' if found.on else 'off'}; {found.events} in {found.path}")
    for kind, count in found.counts.items():
        print(f"{kind:15} {count}")
    print(f"{'texts':15} {'on' if texts.is_on() else 'off'}; {sum(1 for _ in texts.all())}")
    if found.accepted_share is not None:
        print(f"{100 * found.accepted_share:.0f}% of those shown were accepted")
    for after_s, share in found.kept_share.items():
        print(f"{100 * share:.0f}% of the accepted characters stood {after_s} s later")


@events.command()
@state_option
def erase(state_dir: Path | None) -> None:
    """Forget all events and texts that were kept."""
    texts = _texts(state_dir).erase()
    say(f"{_events(state_dir).erase()} events and {texts} texts were erased")


@events.command()
@state_option
def export(state_dir: Path | None) -> None:
    """Print every event as JSON, a line each, the oldest first."""
    for event in _events(state_dir).all():
        print_json_line(asdict(event))


@events.command()
@state_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write them here.")
@click.option("--keep-public", is_flag=True, help="Keep all names of the standard library.")
def pairs(state_dir: Path | None, out: Path | None, keep_public: bool) -> None:
    """Make anonymous training pairs of the texts that were kept; shows some, sends nothing."""
    from hansa.training.pairs import make_pairs, write_pairs
    from hansa.training.vocabulary import base_names, library_names

    kept = base_names() | library_names() if keep_public else base_names()
    made = make_pairs(_texts(state_dir).all(), kept)
    _preview(made)
    if out is None:
        say("nothing was written; --out FILE writes them")
        return
    write_pairs(out, made.pairs)
    say(f"{len(made.pairs)} pairs were written to {out}")


def _preview(made: "Made") -> None:
    for pair in made.pairs[:PREVIEWED]:
        print(f"--- a pair of {len(made.pairs)}: what settled is between the marks")
        print(f"{pair.prefix}>>>{pair.target}<<<{pair.suffix}")
    for reason, count in made.dropped.most_common():
        print(f"{count} left out: {reason}")


def _texts(state_dir: Path | None) -> "Texts":
    from hansa.core.files import user_state_dir
    from hansa.editor.texts import Texts

    return Texts(state_dir or user_state_dir())


def _events(state_dir: Path | None) -> "Events":
    from hansa.core.files import user_state_dir
    from hansa.editor.events import Events

    return Events(state_dir or user_state_dir())
