"""`hansa demo`: the whole product at work on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hansa.cli.output import print_error, print_json, say

if TYPE_CHECKING:
    from hansa.demo.script import Demo


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="Keep keys, charter, logs and ledgers in this new folder.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end instead.")
def demo(folder: Path | None, as_json: bool) -> None:
    """Run a three-member league on this machine and show every step.

    Exits 0 only if every step really happened. Everything it starts ends with it.
    """
    import tempfile

    from hansa.cli.model import pull_with_progress
    from hansa.core.errors import ConfigError
    from hansa.core.files import user_state_dir
    from hansa.demo.script import Demo
    from hansa.demo.stage import StepFailed
    from hansa.models.catalog import DEFAULT_MODEL
    from hansa.models.store import ModelStore

    if folder and folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="name a new folder")
    pull_with_progress(DEFAULT_MODEL, ModelStore(user_state_dir()))
    with tempfile.TemporaryDirectory(prefix="hansa-demo-") as temporary:
        where = (folder or Path(temporary)).resolve()
        where.mkdir(parents=True, exist_ok=True)
        play = Demo(where, user_state_dir().resolve(), say if as_json else print)
        try:
            play.play()
        except StepFailed as error:
            if as_json:
                print_json({"ok": False, "error": error.message, **_told(play)})
            print_error(error)
            raise SystemExit(1) from None
        if as_json:
            print_json({"ok": True, **_told(play)})
        else:
            print(f"\nEvery step happened, in {play.story.seconds} s.")
            if folder:
                print(f"Everything is in {where}")


def _told(play: "Demo") -> dict[str, object]:
    return {"seconds": play.story.seconds, "steps": play.story.steps}
