"""`hansa events`: what became of suggestions, kept on this machine if you ask for it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_json, print_json_line, say

if TYPE_CHECKING:
    from hansa.editor.events import Events
    from hansa.editor.texts import SettledText, Texts
    from hansa.training.pairs import Made, Sampler

PREVIEWED = 2
SAMPLES_MAX = 16

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
@click.option("--samples", type=click.IntRange(0, SAMPLES_MAX), default=0, show_default=True,
              help="Ask a model for so many attempts at each pair; 0 asks none.")  # fmt: skip
@click.option("--model", default="auto", show_default=True, help="Model to ask for them.")
@click.option("--node", metavar="URL", help="The league's node to ask; else HANSA_NODE_URL.")
@click.option("--key-file", type=click.Path(path_type=Path),
              help="File that holds the node's key; else HANSA_API_KEY.")  # fmt: skip
def pairs(
    state_dir: Path | None, out: Path | None, keep_public: bool, samples: int, model: str,
    node: str | None, key_file: Path | None,
) -> None:  # fmt: skip
    """Make anonymous training pairs of the texts that were kept, and show some.

    Those that are too easy or too far are left out, by how far the suggestion, and what a model
    makes of the pair with --samples, is from what settled. Sends nothing without --samples; with
    them, the node is sent each pair's code around the place, anonymous.
    """
    from hansa.training.pairs import write_pairs

    if samples:
        made = _sampled(state_dir, samples, model, node, key_file, keep_public=keep_public)
    else:
        made = _made(state_dir, keep_public=keep_public)
    _preview(made)
    if out is None:
        say("nothing was written; --out FILE writes them")
        return
    write_pairs(out, made.pairs)
    say(f"{len(made.pairs)} pairs were written to {out}")


def _sampled(
    state_dir: Path | None, samples: int, model: str, node: str | None, key_file: Path | None, *,
    keep_public: bool,
) -> "Made":  # fmt: skip
    from hansa.cli.eval_asking import address_of
    from hansa.core.files import user_state_dir
    from hansa.training.sampling import sampler

    state = state_dir or user_state_dir()
    address = address_of(model, state, url=None, key_env=None, node=node, key_file=key_file)
    with sampler(address) as sample:
        return _made(state_dir, samples, sample, keep_public=keep_public)


def _made(
    state_dir: Path | None, samples: int = 0, sample: "Sampler | None" = None, *, keep_public: bool
) -> "Made":
    from hansa.cli.eval_asking import bar
    from hansa.training.pairs import Band, make_pairs
    from hansa.training.vocabulary import base_names, library_names

    kept = base_names() | library_names() if keep_public else base_names()
    texts = list(_texts(state_dir).all())
    with bar("texts") as progress:

        def told() -> "Iterator[SettledText]":
            for number, each in enumerate(texts):
                progress(number, len(texts))
                yield each

        return make_pairs(told(), kept, Band(samples=samples), sample)


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
