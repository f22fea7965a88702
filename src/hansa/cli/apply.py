"""`hansa apply`: a patch made into changes, shown first, all of it or nothing."""

import sys
from pathlib import Path

import click

from hansa.cli.changing import agreed, open_journal, write
from hansa.cli.output import print_json, say


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("patch", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "form", type=click.Choice(["auto", "blocks", "diff", "whole"]),
              default="auto", show_default=True, help="What PATCH is.")  # fmt: skip
@click.option("--yes", "-y", is_flag=True, help="Make the change without asking.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; changes nothing without --yes.")
def apply(
    file: Path, patch: Path, form: str, yes: bool, state_dir: Path | None, as_json: bool
) -> None:
    """Change FILE as PATCH says (- is stdin); shows a diff first.

    PATCH is search/replace blocks, a unified diff, or FILE's whole new text. It may change several
    files; FILE is one of them, or the folder that their names are below. Every hunk that
    does not fit, or fits twice, is named, nothing is written, and the exit code is 1.
    """
    from hansa.core.errors import UserError
    from hansa.editor.patch.formats import FORMATS, PATCH_CHARS_MAX, read_patch
    from hansa.editor.patch.plan import plan

    journal = open_journal(state_dir)
    try:
        data = sys.stdin.buffer.read(4 * PATCH_CHARS_MAX) if str(patch) == "-" else (
            patch.read_bytes())  # fmt: skip
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the patch {patch}: {error}") from error
    planned = plan(file, read_patch(text, FORMATS.get(form)))
    if not as_json:
        print(planned.diff, end="")
    for name in planned.broken:
        say(f"note: {name} parses now and would not after this")
    applied = yes or (not as_json and agreed(str(file)))
    if applied:
        said = "a patch" if str(patch) == "-" else str(patch)
        write(journal, f"apply {said} to {file}", planned.root, planned.changes)
    if as_json:
        print_json({
            "files": [str(each.path) for each in planned.changes], "diff": planned.diff,
            "broken": planned.broken, "applied": applied,
        })  # fmt: skip
